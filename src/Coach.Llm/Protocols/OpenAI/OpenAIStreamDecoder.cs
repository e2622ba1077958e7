using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>
/// Reads chat completions: deltas until <c>[DONE]</c>, or one whole message. An answer is complete when a finish reason
/// was seen, or, of servers that give none, when it came as one message or <c>[DONE]</c> stands behind a text or behind
/// calls that are whole; the caller then sees no finish reason. Half a call, or nothing at all, before <c>[DONE]</c> is
/// an answer cut off.
/// </summary>
internal sealed class OpenAIStreamDecoder(string origin, int earlierCalls) : StreamDecoder
{
    // Names that are known and not needed, by the object they stand in.
    private static readonly byte[][] ChunkNames =
    [
        [.. "created"u8], [.. "system_fingerprint"u8], [.. "service_tier"u8], [.. "provider"u8], [.. "obfuscation"u8],
        [.. "prompt_filter_results"u8], [.. "metadata"u8], [.. "moderation"u8],
    ];

    private static readonly byte[][] ChoiceNames =
        [[.. "index"u8], [.. "logprobs"u8], [.. "native_finish_reason"u8], [.. "content_filter_results"u8], [.. "stop_reason"u8]];

    private static readonly byte[][] MessageNames =
    [
        [.. "role"u8], [.. "annotations"u8], [.. "index"u8], [.. "token_id"u8], [.. "channel"u8],
        [.. "executed_tools"u8], [.. "provider_metadata"u8],
        [.. "provider_specific_fields"u8], [.. "context"u8], [.. "name"u8], [.. "tool_call_id"u8],
    ];

    // What servers that have no details call the cached part of the prompt: Kimi, Mistral, DeepSeek, Databricks.
    private static readonly byte[][] CachedNames =
    [
        [.. "cached_tokens"u8], [.. "num_cached_tokens"u8], [.. "prompt_cache_hit_tokens"u8],
        [.. "cache_read_input_tokens"u8],
    ];

    private static readonly byte[][] CallNames = [[.. "type"u8]];

    // What comes with a message or a call and has to go back with it.
    private static readonly byte[][] CarriedOfMessage =
        [[.. "reasoning_details"u8], [.. "thinking_blocks"u8], [.. "extra_content"u8]];

    private static readonly byte[][] CarriedOfCall = [[.. "extra_content"u8], [.. "provider_specific_fields"u8]];

    private readonly List<PendingCall> _calls = [];
    private readonly CarriedReasoning _carried = new();
    private Alternative _alternative;
    private StringBuilder? _refusal;
    private UsageDetails? _usage;
    private int _finishedCalls;
    private bool _isComplete;
    private bool _hasText;
    private bool _isWhole; // it came as a message, not in deltas
    private bool _isCompletion; // and the server calls it no chunk

    public override UsageDetails? Counted => _usage;

    public override bool IsComplete => _isComplete || IsWholeWithoutReason;

    private bool IsWholeWithoutReason =>
        (IsEnded || (_isWhole && _isCompletion)) && (_hasText || _calls.Count > 0)
        && _calls.TrueForAll(call => call.HasWholeArguments);

    public override ChatResponseUpdate? Finish()
    {
        if (!IsComplete)
        {
            throw ProtocolException.Interrupted();
        }

        List<AIContent>? contents = null;
        TakePending(ref contents);
        AddCarried(ref contents);
        if (_usage is not null)
        {
            (contents ??= []).Add(new UsageContent(_usage));
        }

        ChatResponseUpdate? update = contents is null ? null : Update(contents);
        if (!_isComplete && _finishedCalls > 0 && update is not null)
        {
            update.FinishReason = ChatFinishReason.ToolCalls;
        }

        return update;
    }

    protected override ChatResponseUpdate? DecodeEvent(
        ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data, ref Utf8JsonReader reader)
    {
        List<AIContent>? contents = null;
        string? finish = null;
        while (reader.ReadMember())
        {
            if (reader.Is("choices"u8))
            {
                ReadChoices(ref reader, data, ref contents, ref finish);
            }
            else if (reader.Is("usage"u8))
            {
                ReadUsage(ref reader);
            }
            else if (reader.Is("x_groq"u8))
            {
                ReadGroq(ref reader);
            }
            else if (reader.Is("id"u8))
            {
                ReadResponseId(ref reader);
            }
            else if (reader.Is("model"u8))
            {
                ReadModelId(ref reader);
            }
            else if (reader.Is("object"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && reader.Is("error"u8)) // vLLM's form of an error
                {
                    throw ProtocolException.Error(data);
                }

                _isCompletion |= reader.TokenType == JsonTokenType.String && reader.Is("chat.completion"u8);
                reader.Skip();
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
                Skip(ref reader, ChunkNames);
            }
        }

        End(ref reader);
        if (finish is not null)
        {
            _isComplete = true;
            TakePending(ref contents);
        }

        if (contents is null && finish is null)
        {
            return null;
        }

        _hasText |= contents is not null;
        ChatResponseUpdate update = Update(contents ?? []);
        update.FinishReason = finish is null ? null : FinishReason(finish);
        return update;
    }

    private ChatFinishReason FinishReason(string reason)
    {
        switch (reason.ToLowerInvariant())
        {
            case "stop" or "eos" or "eos_token" or "end_turn" or "stop_sequence" or "complete" or "completed":
                // some servers do not tell the two apart
                return _finishedCalls > 0 ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
            case "length" or "max_tokens" or "max_output_tokens" or "model_length" or "context_length":
                return ChatFinishReason.Length;
            case "tool_calls" or "tool_call" or "tool_use" or "function_call":
                return ChatFinishReason.ToolCalls;
            case "content_filter" or "content_filtered" or "safety" or "recitation" or "prohibited_content" or "blocklist":
                return ChatFinishReason.ContentFilter;
            default:
                Additions.StopReason();
                return new ChatFinishReason(reason.ToLowerInvariant());
        }
    }

    private void ReadChoices(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> data, ref List<AIContent>? contents, ref string? finish)
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
                ReadChoice(ref reader, ref contents, ref finish);
                isFirst = false;
            }
            else
            {
                reader.Skip();
            }
        }

        if (finish == "error")
        {
            throw ProtocolException.Error(data); // OpenRouter, when its upstream fails in the middle
        }
    }

    private void ReadChoice(ref Utf8JsonReader reader, ref List<AIContent>? contents, ref string? finish)
    {
        Utf8JsonReader message = default;
        bool hasMessage = false;
        bool hasDelta = false;
        string? text = null;
        while (reader.ReadMember())
        {
            if (reader.Is("delta"u8))
            {
                hasDelta = true;
                ReadMessage(ref reader, ref contents);
            }
            else if (reader.Is("message"u8))
            {
                message = reader;
                hasMessage = true;
                reader.Skip();
            }
            else if (reader.Is("text"u8))
            {
                text = LenientJson.Text(ref reader);
            }
            else if (reader.Is("finish_reason"u8))
            {
                finish = LenientJson.Name(ref reader) ?? finish; // "" means what null means: not finished
            }
            else if (reader.Is("error"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.StartObject && LenientJson.SaysSomething(reader))
                {
                    throw InnerError(ref reader);
                }

                reader.Skip();
            }
            else
            {
                Skip(ref reader, ChoiceNames);
            }
        }

        // Beside a delta it repeats the whole answer so far; beside an empty one, which a whole answer may have too, it
        // is the answer (Perplexity).
        if (hasMessage && (!hasDelta || !(_hasText || contents is not null || _calls.Count > 0)))
        {
            _isWhole = !hasDelta;
            ReadMessage(ref message, ref contents);
        }
        else if (!hasMessage && !hasDelta)
        {
            AddText(ref contents, text); // the older completions; beside a delta it repeats it (Together)
        }
    }

    private void ReadMessage(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        bool hasThought = false;
        string? detailed = null;
        while (reader.ReadMember())
        {
            if (reader.Is("content"u8))
            {
                reader.Read();
                ReadContent(ref reader, ref contents, isThought: false);
            }
            else if (reader.Is("reasoning_content"u8) || reader.Is("reasoning"u8))
            {
                // Servers that are renaming the one to the other send both: it was thought once.
                bool isOlder = reader.Is("reasoning_content"u8);
                string? thought = LenientJson.Text(ref reader);
                if (thought is not null)
                {
                    _carried.Named(isOlder ? "reasoning_content" : "reasoning");
                    AddThought(ref contents, hasThought ? null : thought);
                    hasThought |= thought.Length > 0;
                }
            }
            else if (reader.Is("refusal"u8))
            {
                AddRefusal(LenientJson.Text(ref reader));
            }
            else if (reader.Is("tool_calls"u8))
            {
                ReadCalls(ref reader);
            }
            else if (reader.Is("function_call"u8))
            {
                ReadOlderCall(ref reader);
            }
            else if (reader.Is("images"u8))
            {
                ReadPictures(ref reader, ref contents);
            }
            else if (reader.Is("audio"u8))
            {
                ReadSound(ref reader, ref contents);
            }
            else if (LenientJson.IsAnyOf(ref reader, CarriedOfMessage))
            {
                string name = reader.GetString()!;
                reader.Read();
                detailed += LenientJson.WellFormed(_carried.Add(name, ref reader));
            }
            else
            {
                Skip(ref reader, MessageNames);
            }
        }

        if (!hasThought)
        {
            AddThought(ref contents, detailed);
        }
    }

    // A text; or parts, as Mistral's reasoning models send them.
    private void ReadContent(ref Utf8JsonReader reader, ref List<AIContent>? contents, bool isThought)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String when isThought:
                AddThought(ref contents, LenientJson.TextHere(ref reader));
                break;
            case JsonTokenType.String:
                AddText(ref contents, LenientJson.TextHere(ref reader));
                break;
            case JsonTokenType.StartObject:
                ReadPart(ref reader, ref contents, isThought);
                break;
            case JsonTokenType.StartArray:
                while (LenientJson.NextElement(ref reader))
                {
                    ReadContent(ref reader, ref contents, isThought);
                }

                break;
        }
    }

    private void ReadPart(ref Utf8JsonReader reader, ref List<AIContent>? contents, bool isThought)
    {
        Utf8JsonReader start = reader;
        bool isKnown = false;
        bool isPart = false;
        while (reader.ReadMember())
        {
            if (reader.Is("text"u8))
            {
                isKnown = true;
                reader.Read();
                ReadContent(ref reader, ref contents, isThought);
            }
            else if (reader.Is("thinking"u8))
            {
                isKnown = true;
                reader.Read();
                ReadContent(ref reader, ref contents, isThought: true);
            }
            else if (reader.Is("refusal"u8))
            {
                isKnown = true;
                AddRefusal(LenientJson.Text(ref reader));
            }
            else if (reader.Is("image_url"u8))
            {
                isKnown = AddPicture(ref contents, ref reader);
            }
            else
            {
                isPart |= reader.Is("type"u8);
                reader.Skip();
            }
        }

        if (isPart && !isKnown)
        {
            Additions.Part();
        }
        else if (!isKnown && !isThought)
        {
            // Not a part, but the answer itself: a server that unwraps the object a schema asked for (Cloudflare).
            AddText(ref contents, LenientJson.WellFormed(JsonElement.ParseValue(ref start).GetRawText()));
        }
    }

    // Pictures that a model made stand beside the text (OpenRouter, LiteLLM).
    private void ReadPictures(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        if (!reader.ReadArray())
        {
            return;
        }

        while (LenientJson.NextElement(ref reader))
        {
            if (!LenientJson.IsInObject(ref reader))
            {
                continue;
            }

            bool isKnown = false;
            while (reader.ReadMember())
            {
                if (reader.Is("image_url"u8))
                {
                    isKnown |= AddPicture(ref contents, ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }

            if (!isKnown)
            {
                Additions.Part();
            }
        }
    }

    // An address, or an object that holds one.
    private static bool AddPicture(ref List<AIContent>? contents, ref Utf8JsonReader reader)
    {
        reader.Read();
        string? address = null;
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.ReadMember())
            {
                if (reader.Is("url"u8))
                {
                    address = LenientJson.Name(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        else
        {
            address = LenientJson.TextHere(ref reader);
        }

        if (MediaTypes.ContentOf(address, "image/png") is not { } picture)
        {
            return false;
        }

        (contents ??= []).Add(picture);
        return true;
    }

    // A spoken answer has its words here alone. Its sound is not asked for, and comes in a form that is not told.
    private void ReadSound(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        while (reader.ReadMember())
        {
            if (reader.Is("transcript"u8))
            {
                AddText(ref contents, LenientJson.Text(ref reader));
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void AddRefusal(string? piece)
    {
        if (piece is { Length: > 0 })
        {
            (_refusal ??= new StringBuilder()).Append(piece);
        }
    }

    private void ReadCalls(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            ReadCall(ref reader, position: 0); // a server that lists no single one
            return;
        }

        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        for (long position = 0; LenientJson.NextElement(ref reader); position++)
        {
            if (LenientJson.IsInObject(ref reader))
            {
                ReadCall(ref reader, position);
            }
        }
    }

    private void ReadCall(ref Utf8JsonReader reader, long position)
    {
        long? index = null;
        string? id = null;
        string? name = null;
        string? arguments = null;
        JsonObject? carried = null;
        bool hasFunction = false;
        while (reader.ReadMember())
        {
            if (reader.Is("index"u8))
            {
                index = reader.ReadNumber();
            }
            else if (reader.Is("id"u8))
            {
                id = LenientJson.Name(ref reader);
            }
            else if (reader.Is("function"u8))
            {
                hasFunction = true;
                ReadFunction(ref reader, ref name, ref arguments);
            }
            else if (LenientJson.IsAnyOf(ref reader, CarriedOfCall))
            {
                string member = reader.GetString()!;
                reader.Read();
                if (JsonNode.Parse(ref reader) is JsonObject { Count: > 0 } value)
                {
                    (carried ??= [])[member] = value;
                }
            }
            else
            {
                Skip(ref reader, CallNames);
            }
        }

        if (!hasFunction)
        {
            Additions.Part(); // a call of another kind than functions
            return;
        }

        if (id is null && name is null && arguments is null or "")
        {
            return; // a form with nothing filled in is no call
        }

        PendingCall call = Find(index, position, id, name);
        call.Id ??= id;
        call.AddName(name);
        call.Carried ??= carried;
        call.Arguments.Append(arguments);
    }

    // The one call of servers from before there could be several.
    private void ReadOlderCall(ref Utf8JsonReader reader)
    {
        string? name = null;
        string? arguments = null;
        ReadFunction(ref reader, ref name, ref arguments);
        if (name is not null || arguments is { Length: > 0 })
        {
            PendingCall call = Find(index: 0, position: 0, id: null, name);
            call.AddName(name);
            call.Arguments.Append(arguments);
        }
    }

    private void ReadFunction(ref Utf8JsonReader reader, ref string? name, ref string? arguments)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        while (reader.ReadMember())
        {
            if (reader.Is("name"u8))
            {
                name = LenientJson.Name(ref reader);
            }
            else if (reader.Is("arguments"u8))
            {
                reader.Read();
                arguments = reader.TokenType == JsonTokenType.StartObject // a server that does not wrap them in a text
                    ? JsonElement.ParseValue(ref reader).GetRawText()
                    : LenientJson.TextHere(ref reader);
            }
            else
            {
                Skip(ref reader, []);
            }
        }
    }

    // The pieces of a call share its index. Servers that number none, or all alike, begin each call with an id of its
    // own; or without any id, but then with the whole of its arguments.
    private PendingCall Find(long? index, long position, string? id, string? name)
    {
        long number = index ?? position; // whole messages need not number their calls
        PendingCall? call = id is null ? null : _calls.FindLast(
            call => call.Id == id && (index is null || call.Index == number));
        if (call is not null)
        {
            return call;
        }

        call = _calls.FindLast(call => call.Index == number);
        bool isNext = call is { Name: not null } && name is not null
            && ((id is not null && call.Id is not null) || call.HasWholeArguments
                || (name != call.Name && !call.MayGoOnWith(id)));
        if (call is null || isNext)
        {
            _calls.Add(call = new PendingCall(number));
        }

        return call;
    }

    private void TakePending(ref List<AIContent>? contents)
    {
        AddHalves(ref contents);
        if (_refusal is not null)
        {
            (contents ??= []).Add(
                new ErrorContent(LenientJson.WellFormed(_refusal.ToString())) { ErrorCode = "refusal" });
            _refusal = null;
        }

        foreach (PendingCall call in _calls.OrderBy(call => call.Index))
        {
            string id = call.Id ?? "call_" + (earlierCalls + _finishedCalls).ToString(CultureInfo.InvariantCulture);
            (contents ??= []).Add(call.Name is null ? NamelessCall() : Call(call, id, call.Name));
            _finishedCalls++;
        }

        _calls.Clear();
    }

    private FunctionCallContent Call(PendingCall pending, string id, string name)
    {
        FunctionCallContent call = JsonText.Call(id, name, Encoding.UTF8.GetBytes(pending.Arguments.ToString()));
        if (pending.Carried is not null)
        {
            ReasoningSignatures.Attach(call, ReasoningSignatures.Seal(origin, pending.Carried.ToJsonString()));
        }

        return call;
    }

    // What has to go back with the turn travels as a thought without words, which every store of messages keeps.
    private void AddCarried(ref List<AIContent>? contents)
    {
        if (_carried.HasMembers || (_carried.HasField && _finishedCalls > 0))
        {
            (contents ??= []).Add(
                new TextReasoningContent("") { ProtectedData = ReasoningSignatures.Seal(origin, _carried.Pack()) });
        }
    }

    // Groq has its usage in a member of its own.
    private void ReadGroq(ref Utf8JsonReader reader)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        while (reader.ReadMember())
        {
            if (reader.Is("usage"u8))
            {
                ReadUsage(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadUsage(ref Utf8JsonReader reader)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        _usage ??= new UsageDetails();
        while (reader.ReadMember())
        {
            if (reader.Is("prompt_tokens"u8))
            {
                _usage.InputTokenCount = reader.ReadNumber() ?? _usage.InputTokenCount;
            }
            else if (reader.Is("completion_tokens"u8))
            {
                _usage.OutputTokenCount = reader.ReadNumber() ?? _usage.OutputTokenCount;
            }
            else if (reader.Is("total_tokens"u8))
            {
                _usage.TotalTokenCount = reader.ReadNumber() ?? _usage.TotalTokenCount;
            }
            else if (reader.Is("prompt_tokens_details"u8))
            {
                _usage.CachedInputTokenCount = Detail(ref reader, "cached_tokens"u8) ?? _usage.CachedInputTokenCount;
            }
            else if (LenientJson.IsAnyOf(ref reader, CachedNames))
            {
                _usage.CachedInputTokenCount = reader.ReadNumber() ?? _usage.CachedInputTokenCount;
            }
            else if (reader.Is("completion_tokens_details"u8))
            {
                _usage.ReasoningTokenCount = Detail(ref reader, "reasoning_tokens"u8) ?? _usage.ReasoningTokenCount;
            }
            else
            {
                reader.Skip(); // counts of many kinds come and go here, none of which is a part of the answer
            }
        }
    }

    /// <summary>One count among the details of a usage's member, on which the reader stands.</summary>
    internal static long? Detail(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        long? count = null;
        if (!reader.ReadObject())
        {
            return null;
        }

        while (reader.ReadMember())
        {
            if (reader.Is(name))
            {
                count = reader.ReadNumber();
            }
            else
            {
                reader.Skip();
            }
        }

        return count;
    }

    // An error within a choice, lifted to where the rules for errors look for it.
    private static ProtocolException InnerError(ref Utf8JsonReader reader)
    {
        using JsonDocument error = JsonDocument.ParseValue(ref reader);
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("error");
            error.RootElement.WriteTo(writer);
            writer.WriteEndObject();
        }

        return ProtocolException.Error(body.WrittenSpan);
    }

    private sealed class PendingCall(long index)
    {
        public long Index { get; } = index;

        public string? Id { get; set; }

        public string? Name { get; private set; }

        public JsonObject? Carried { get; set; }

        public StringBuilder Arguments { get; } = new();

        public bool HasWholeArguments => Arguments.Length > 0 && JsonText.IsObject(Arguments.ToString());

        /// <summary>
        /// Whether a name that differs is a further piece of this call's: those of one call come without an id of their
        /// own, before its arguments.
        /// </summary>
        public bool MayGoOnWith(string? id) => id is null && Id is not null && Arguments.Length == 0;

        /// <summary>Takes a name: the whole, the whole once more, all of it so far, or its next piece.</summary>
        public void AddName(string? name)
        {
            if (name is not null && name != Name)
            {
                Name = Name is null || name.StartsWith(Name, StringComparison.Ordinal) ? name : Name + name;
            }
        }
    }
}
