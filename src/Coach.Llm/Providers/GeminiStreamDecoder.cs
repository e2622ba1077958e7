using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Reads Gemini's answers: each event is a whole GenerateContentResponse. There is no end mark, so an answer is complete once a
/// finish or block reason was seen; usage is cumulative, so the last one counts.
/// </summary>
internal sealed partial class GeminiStreamDecoder(string origin, int earlierCalls) : StreamDecoder
{
    /// <summary>How ids begin that stand in for the ones Gemini may leave out.</summary>
    public const string MadeUpId = "coach-call-";

    private int _calls = earlierCalls;
    private bool _hasCalls;
    private bool _hasEnd;
    private UsageDetails? _usage;

    public override ChatResponseUpdate? Finish()
    {
        if (!_hasEnd)
        {
            throw WireException.Interrupted();
        }

        return _usage is null ? null : Update([new UsageContent(_usage)]);
    }

    protected override ChatResponseUpdate? DecodeEvent(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            throw WireException.Error(data); // only errors come wrapped
        }

        Expect(reader.TokenType == JsonTokenType.StartObject);
        List<AIContent>? contents = null;
        string? finish = null;
        bool isKnown = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "candidates"u8))
            {
                isKnown = true;
                ReadCandidates(ref reader, ref contents, ref finish);
            }
            else if (Is(ref reader, "usageMetadata"u8))
            {
                ReadUsage(ref reader);
            }
            else if (Is(ref reader, "modelVersion"u8))
            {
                ReadModelId(ref reader);
            }
            else if (Is(ref reader, "responseId"u8))
            {
                ReadResponseId(ref reader);
            }
            else if (Is(ref reader, "promptFeedback"u8))
            {
                isKnown |= ReadPromptFeedback(ref reader, ref contents, ref finish);
            }
            else if (Is(ref reader, "error"u8))
            {
                throw WireException.Error(data);
            }
            else
            {
                hasUnknown = true;
                reader.Skip();
            }
        }

        Expect(reader.TokenType == JsonTokenType.EndObject && !reader.Read());
        Expect(isKnown || !hasUnknown);
        if (contents is null && finish is null)
        {
            return null;
        }

        ChatResponseUpdate update = Update(contents ?? []);
        if (finish is not null)
        {
            _hasEnd = true;
            Finish(update, finish);
        }

        return update;
    }

    private void ReadCandidates(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartArray);
        bool isFirst = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(reader.TokenType == JsonTokenType.StartObject);
            if (isFirst)
            {
                ReadCandidate(ref reader, ref contents, ref finish);
                isFirst = false;
            }
            else
            {
                reader.Skip(); // one answer is what was asked for
            }
        }
    }

    private void ReadCandidate(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        bool hasContent = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "content"u8))
            {
                hasContent = true;
                ReadContent(ref reader, ref contents);
            }
            else if (Is(ref reader, "finishReason"u8))
            {
                reader.Read();
                finish = reader.TokenType == JsonTokenType.Null ? finish : reader.GetString();
            }
            else
            {
                hasUnknown |= !IsBesideContent(ref reader);
                reader.Skip();
            }
        }

        Expect(hasContent || !hasUnknown);
    }

    // What a candidate may hold without content, as where the answer was stopped for what it recites.
    private static bool IsBesideContent(ref Utf8JsonReader reader) =>
        Is(ref reader, "index"u8) || Is(ref reader, "safetyRatings"u8) || Is(ref reader, "tokenCount"u8) || Is(ref reader, "finishMessage"u8)
        || Is(ref reader, "citationMetadata"u8) || Is(ref reader, "groundingMetadata"u8) || Is(ref reader, "groundingAttributions"u8)
        || Is(ref reader, "urlContextMetadata"u8) || Is(ref reader, "avgLogprobs"u8) || Is(ref reader, "logprobsResult"u8);

    private void ReadContent(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        Expect(reader.TokenType == JsonTokenType.StartObject);
        bool hasParts = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "parts"u8))
            {
                hasParts = true;
                reader.Read();
                Expect(reader.TokenType == JsonTokenType.StartArray);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    Expect(reader.TokenType == JsonTokenType.StartObject);
                    ReadPart(ref reader, ref contents);
                }
            }
            else
            {
                hasUnknown |= !Is(ref reader, "role"u8);
                reader.Skip();
            }
        }

        Expect(hasParts || !hasUnknown);
    }

    private bool ReadPromptFeedback(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return false;
        }

        bool isBlocked = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "blockReason"u8))
            {
                reader.Read();
                string reason = reader.GetString() ?? "OTHER";
                (contents ??= []).Add(new ErrorContent("The provider refused to answer this prompt.") { ErrorCode = reason });
                finish = "PROMPT_BLOCKED";
                isBlocked = true;
            }
            else
            {
                reader.Skip();
            }
        }

        return isBlocked;
    }

    private void ReadUsage(ref Utf8JsonReader reader)
    {
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartObject);
        long? input = null, cached = null, output = null, thoughts = null, total = null, tools = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "promptTokenCount"u8))
            {
                input = Count(ref reader);
            }
            else if (Is(ref reader, "candidatesTokenCount"u8))
            {
                output = Count(ref reader);
            }
            else if (Is(ref reader, "thoughtsTokenCount"u8))
            {
                thoughts = Count(ref reader);
            }
            else if (Is(ref reader, "cachedContentTokenCount"u8))
            {
                cached = Count(ref reader);
            }
            else if (Is(ref reader, "toolUsePromptTokenCount"u8))
            {
                tools = Count(ref reader);
            }
            else if (Is(ref reader, "totalTokenCount"u8))
            {
                total = Count(ref reader);
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
        _usage.OutputTokenCount = output is null && thoughts is null ? _usage.OutputTokenCount : (output ?? 0) + (thoughts ?? 0);
        _usage.TotalTokenCount = total ?? _usage.TotalTokenCount;
    }

    private void Finish(ChatResponseUpdate update, string reason)
    {
        update.FinishReason = reason switch
        {
            "STOP" => _hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            "MAX_TOKENS" => ChatFinishReason.Length,
            "PROMPT_BLOCKED" or "SAFETY" or "RECITATION" or "BLOCKLIST" or "PROHIBITED_CONTENT" or "SPII" or "IMAGE_SAFETY"
                or "IMAGE_PROHIBITED_CONTENT" or "IMAGE_RECITATION" => ChatFinishReason.ContentFilter,
            _ => new ChatFinishReason(reason.ToLowerInvariant()),
        };
        if (update.FinishReason == ChatFinishReason.ContentFilter && reason != "PROMPT_BLOCKED")
        {
            update.Contents.Add(new ErrorContent("The provider stopped the answer.") { ErrorCode = reason });
        }
    }
}
