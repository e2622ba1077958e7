using System.Globalization;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>
/// Reads Gemini's answers: each event is a whole GenerateContentResponse. There is no end mark, so an answer is
/// complete once a finish or block reason was seen; usage is cumulative, so the last one counts.
/// </summary>
internal sealed class GeminiStreamDecoder(string origin, int earlierCalls) : StreamDecoder
{
    /// <summary>How ids begin that stand in for the ones Gemini may leave out.</summary>
    public const string MadeUpId = "coach-call-";

    private const string PromptBlocked = "PROMPT_BLOCKED";

    // Names that are known and not needed, by the object they stand in.
    private static readonly byte[][] ResponseNames = [[.. "createTime"u8], [.. "modelStatus"u8]];

    private static readonly byte[][] CandidateNames =
    [
        [.. "index"u8], [.. "safetyRatings"u8], [.. "tokenCount"u8], [.. "finishMessage"u8], [.. "citationMetadata"u8],
        [.. "groundingMetadata"u8], [.. "groundingAttributions"u8], [.. "urlContextMetadata"u8], [.. "avgLogprobs"u8], [.. "logprobsResult"u8],
    ];

    private static readonly byte[][] ContentNames = [[.. "role"u8]];

    private static readonly byte[][] PartNames =
        [[.. "videoMetadata"u8], [.. "mediaResolution"u8], [.. "partMetadata"u8]];

    // Parts that tools at Google make and consume.
    private static readonly byte[][] PassingParts =
    [
        [.. "executableCode"u8], [.. "codeExecutionResult"u8], [.. "fileData"u8], [.. "functionResponse"u8],
        [.. "toolCall"u8], [.. "toolResponse"u8],
    ];

    // The numbers that mean the same in the Gemini API's protocol file and in Vertex AI's.
    private static readonly string[] NumberedReasons =
        ["FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION"];

    private int _calls = earlierCalls;
    private Alternative _alternative;
    private PartialCall? _begun;
    private bool _hasCalls;
    private bool _hasContent;
    private bool _isComplete;
    private UsageDetails? _usage;

    public override UsageDetails? Counted => _usage;

    public override bool IsComplete => _isComplete;

    public override ChatResponseUpdate? Finish()
    {
        if (!_isComplete)
        {
            throw ProtocolException.Interrupted();
        }

        return _usage is null ? null : Update([new UsageContent(_usage)]);
    }

    protected override ChatResponseUpdate? DecodeEvent(
        ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data, ref Utf8JsonReader reader)
    {
        List<AIContent>? contents = null;
        string? finish = null;
        while (reader.ReadMember())
        {
            if (reader.Is("candidates"u8))
            {
                ReadCandidates(ref reader, ref contents, ref finish);
            }
            else if (reader.Is("usageMetadata"u8))
            {
                ReadUsage(ref reader);
            }
            else if (reader.Is("modelVersion"u8))
            {
                ReadModelId(ref reader);
            }
            else if (reader.Is("responseId"u8))
            {
                ReadResponseId(ref reader);
            }
            else if (reader.Is("promptFeedback"u8))
            {
                ReadPromptFeedback(ref reader, ref contents, ref finish);
            }
            else if (reader.Is("error"u8))
            {
                reader.Read();
                if (LenientJson.SaysSomething(reader))
                {
                    throw ProtocolException.Error(data);
                }

                reader.Skip();
            }
            else
            {
                Skip(ref reader, ResponseNames);
            }
        }

        End(ref reader);
        if (finish is not null)
        {
            _isComplete = true;
            AddHalves(ref contents);
            if (TakeBegun() is { } call)
            {
                (contents ??= []).Add(call);
            }
        }

        _hasContent |= contents is not null;
        if (contents is null && finish is null)
        {
            return null;
        }

        ChatResponseUpdate update = Update(contents ?? []);
        if (finish is not null)
        {
            Finish(update, finish);
        }

        return update;
    }

    private void ReadCandidates(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        if (!reader.ReadArray())
        {
            return;
        }

        bool isFirst = true;
        while (LenientJson.NextElement(ref reader))
        {
            // One answer is what was asked for; of several, each event may bring a piece of another one.
            if (isFirst && reader.TokenType == JsonTokenType.StartObject && _alternative.IsRead(reader, "index"u8))
            {
                ReadCandidate(ref reader, ref contents, ref finish);
                isFirst = false;
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadCandidate(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        while (reader.ReadMember())
        {
            if (reader.Is("content"u8))
            {
                ReadContent(ref reader, ref contents);
            }
            else if (reader.Is("finishReason"u8))
            {
                string? reason = ReadReason(ref reader);
                finish = reason is null or "FINISH_REASON_UNSPECIFIED" ? finish : reason;
            }
            else
            {
                Skip(ref reader, CandidateNames);
            }
        }
    }

    // A name; or its number, where a client in front asked for numbers (Vertex AI).
    private static string? ReadReason(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.Number)
        {
            string? name = LenientJson.TextHere(ref reader);
            return name is { Length: > 0 } ? LenientJson.WellFormed(name) : null;
        }

        bool isNumber = reader.TryGetInt32(out int number);
        return isNumber && number >= 0 && number < NumberedReasons.Length ? NumberedReasons[number] : "OTHER";
    }

    private void ReadContent(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        while (reader.ReadMember())
        {
            if (!reader.Is("parts"u8))
            {
                Skip(ref reader, ContentNames);
                continue;
            }

            if (!reader.ReadArray())
            {
                continue;
            }

            while (LenientJson.NextElement(ref reader))
            {
                if (LenientJson.IsInObject(ref reader))
                {
                    ReadPart(ref reader, ref contents);
                }
            }
        }
    }

    private void ReadPart(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        string? text = null;
        string? signature = null;
        AIContent? other = null;
        bool isThought = false;
        bool isKnown = false;
        bool hasUnknown = false;
        while (reader.ReadMember())
        {
            if (reader.Is("text"u8))
            {
                text = LenientJson.Text(ref reader);
                isKnown = true;
            }
            else if (reader.Is("thought"u8))
            {
                reader.Read();
                isThought = reader.TokenType == JsonTokenType.True;
                reader.Skip();
            }
            else if (reader.Is("thoughtSignature"u8))
            {
                signature = LenientJson.Name(ref reader);
            }
            else if (reader.Is("functionCall"u8))
            {
                other = ReadCall(ref reader, ref contents) ?? other;
                isKnown = true;
            }
            else if (reader.Is("inlineData"u8))
            {
                other = ReadInlineData(ref reader) ?? other;
                isKnown = true;
            }
            else if (LenientJson.IsAnyOf(ref reader, PassingParts))
            {
                isKnown = true;
                reader.Skip();
            }
            else
            {
                hasUnknown = true;
                Skip(ref reader, PartNames);
            }
        }

        if (hasUnknown && !isKnown)
        {
            Additions.Part();
        }

        string? kept = signature is null ? null : ReasoningSignatures.Seal(origin, signature);
        if (_begun is not null && other is null && text is null)
        {
            _begun.Signature ??= kept;
            return;
        }

        AddPart(ref contents, other, text, isThought, kept);
    }

    private void AddPart(
        ref List<AIContent>? contents, AIContent? other, string? text, bool isThought, string? signature)
    {
        int before = contents?.Count ?? 0;
        if (isThought)
        {
            AddThought(ref contents, text);
        }
        else
        {
            AddText(ref contents, text);
        }

        if (other is FunctionCallContent call && signature is not null)
        {
            ReasoningSignatures.Attach(call, signature);
        }
        else if (signature is not null && isThought && contents?.Count > before)
        {
            ((TextReasoningContent)contents[before]).ProtectedData = signature;
        }
        else if (signature is not null)
        {
            // A signature on visible text travels behind it, in a part of its own, which Gemini takes back as well.
            (contents ??= []).Add(new TextReasoningContent("") { ProtectedData = signature });
        }

        if (other is not null)
        {
            (contents ??= new List<AIContent>(1)).Add(other);
        }
    }

    // Null where it goes on with the next part.
    private AIContent? ReadCall(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        if (!reader.ReadObject())
        {
            return null;
        }

        string? id = null;
        string? name = null;
        FunctionCallContent? read = null;
        bool goesOn = false;
        Utf8JsonReader pieces = default;
        while (reader.ReadMember())
        {
            if (reader.Is("name"u8))
            {
                name = LenientJson.Name(ref reader);
            }
            else if (reader.Is("args"u8))
            {
                reader.Read();
                read = JsonText.ReadCall("", "", ref reader);
            }
            else if (reader.Is("id"u8))
            {
                id = LenientJson.Name(ref reader);
            }
            else if (reader.Is("willContinue"u8))
            {
                reader.Read();
                goesOn = reader.TokenType == JsonTokenType.True;
                reader.Skip();
            }
            else if (reader.Is("partialArgs"u8))
            {
                reader.Read();
                pieces = reader;
                reader.Skip();
            }
            else
            {
                Skip(ref reader, []);
            }
        }

        _hasCalls = true;
        if (name is null && _begun is not null)
        {
            _begun.Add(pieces);
            return goesOn ? null : TakeBegun();
        }

        if (TakeBegun() is { } earlier)
        {
            (contents ??= []).Add(earlier);
        }

        int number = _calls++;
        if (name is null)
        {
            return NamelessCall();
        }

        id ??= MadeUpId + number.ToString(CultureInfo.InvariantCulture);
        if (goesOn || pieces.TokenType == JsonTokenType.StartArray)
        {
            _begun = new PartialCall(id, name);
            _begun.Add(pieces);
            return goesOn ? null : TakeBegun();
        }

        return new FunctionCallContent(
            id, name, read is null ? new Dictionary<string, object?>() : read.Arguments)
        {
            Exception = read?.Exception,
        };
    }

    private FunctionCallContent? TakeBegun()
    {
        FunctionCallContent? call = _begun?.End();
        _begun = null;
        return call;
    }

    private DataContent? ReadInlineData(ref Utf8JsonReader reader)
    {
        byte[]? bytes = null;
        string? type = null;
        if (!reader.ReadObject())
        {
            return null;
        }

        while (reader.ReadMember())
        {
            if (reader.Is("data"u8))
            {
                reader.Read();
                bytes = reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out byte[]? decoded)
                    ? decoded
                    : null;
                reader.Skip();
            }
            else if (reader.Is("mimeType"u8))
            {
                type = LenientJson.Name(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        if (bytes is null)
        {
            Additions.Part();
            return null;
        }

        return new DataContent(bytes, DataContentType(type));
    }

    private static string DataContentType(string? type) =>
        type is not null && System.Net.Http.Headers.MediaTypeHeaderValue.TryParse(type, out _)
            ? type
            : "application/octet-stream";

    private static void ReadPromptFeedback(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        while (reader.ReadMember())
        {
            if (!reader.Is("blockReason"u8))
            {
                reader.Skip();
            }
            else if (LenientJson.Name(ref reader) is { } reason and not "BLOCK_REASON_UNSPECIFIED")
            {
                (contents ??= []).Add(
                    new ErrorContent("The provider refused to answer this prompt.") { ErrorCode = reason });
                finish = PromptBlocked;
            }
        }
    }

    private void ReadUsage(ref Utf8JsonReader reader)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        long? input = null, cached = null, output = null, thoughts = null, total = null, tools = null;
        while (reader.ReadMember())
        {
            if (reader.Is("promptTokenCount"u8))
            {
                input = reader.ReadNumber();
            }
            else if (reader.Is("candidatesTokenCount"u8))
            {
                output = reader.ReadNumber();
            }
            else if (reader.Is("thoughtsTokenCount"u8))
            {
                thoughts = reader.ReadNumber();
            }
            else if (reader.Is("cachedContentTokenCount"u8))
            {
                cached = reader.ReadNumber();
            }
            else if (reader.Is("toolUsePromptTokenCount"u8))
            {
                tools = reader.ReadNumber();
            }
            else if (reader.Is("totalTokenCount"u8))
            {
                total = reader.ReadNumber();
            }
            else
            {
                reader.Skip();
            }
        }

        _usage ??= new UsageDetails();
        _usage.InputTokenCount = input is null && tools is null ? _usage.InputTokenCount : (input ?? 0) + (tools ?? 0);
        _usage.CachedInputTokenCount = cached ?? _usage.CachedInputTokenCount;
        _usage.ReasoningTokenCount = thoughts ?? _usage.ReasoningTokenCount;
        _usage.OutputTokenCount = output is null && thoughts is null ? _usage.OutputTokenCount : (
            output ?? 0) + (thoughts ?? 0);
        _usage.TotalTokenCount = total ?? _usage.TotalTokenCount;
    }

    private void Finish(ChatResponseUpdate update, string reason)
    {
        switch (reason)
        {
            case "STOP":
                update.FinishReason = _hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
                break;
            case "MAX_TOKENS":
                update.FinishReason = ChatFinishReason.Length;
                break;
            case PromptBlocked:
                update.FinishReason = ChatFinishReason.ContentFilter;
                break;
            case "SAFETY" or "RECITATION" or "BLOCKLIST" or "PROHIBITED_CONTENT" or "SPII" or "IMAGE_SAFETY"
                or "IMAGE_PROHIBITED_CONTENT" or "IMAGE_RECITATION" or "MODEL_ARMOR":
                update.FinishReason = ChatFinishReason.ContentFilter;
                update.Contents.Add(new ErrorContent("The provider stopped the answer.") { ErrorCode = reason });
                break;
            case "MALFORMED_FUNCTION_CALL" or "UNEXPECTED_TOOL_CALL" or "TOO_MANY_TOOL_CALLS" or "MALFORMED_RESPONSE"
                or "MISSING_THOUGHT_SIGNATURE" or "OTHER" or "LANGUAGE" or "NO_IMAGE" or "IMAGE_OTHER":
                Failed(update, reason);
                break;
            default:
                Additions.StopReason();
                update.FinishReason = new ChatFinishReason(reason.ToLowerInvariant());
                if (!_hasContent)
                {
                    Failed(update, reason); // an answer of nothing is no success, whatever the reason means
                }

                break;
        }
    }

    // A turn that failed within the model. Without a word about it, it would look like an empty success.
    private static void Failed(ChatResponseUpdate update, string reason)
    {
        update.FinishReason = new ChatFinishReason(reason.ToLowerInvariant());
        update.Contents.Add(new ErrorContent("The model could not finish its answer.") { ErrorCode = reason });
    }
}
