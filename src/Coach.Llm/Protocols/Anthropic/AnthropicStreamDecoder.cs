using System.Globalization;
using System.Text;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Anthropic;

/// <summary>
/// Reads Anthropic's messages: named events until <c>message_stop</c>. Tool input comes in pieces that are JSON only
/// together. Their versioning policy announces new events and blocks at any time; those are passed over.
/// </summary>
internal sealed class AnthropicStreamDecoder(string origin, int earlierCalls) : StreamDecoder
{
    /// <summary>Marks the data of a redacted thought among signatures.</summary>
    public const string Redacted = "redacted:";

    // Fields that are known, by the object they stand in.
    private static readonly string[] EventNames =
        ["type", "index", "message", "content_block", "delta", "usage", "error", "context_management", "request_id"];

    private static readonly string[] MessageNames =
    [
        "type", "id", "role", "model", "content", "usage", "stop_reason", "stop_sequence", "stop_details", "container",
        "context_management", "error", "request_id",
    ];

    private static readonly string[] DeltaNames =
    [
        "type", "text", "thinking", "signature", "partial_json", "citation", "stop_reason", "stop_sequence",
        "stop_details", "container",
        "estimated_tokens",
    ];

    private readonly UsageDetails _usage = new();
    private readonly List<Block> _blocks = []; // those that have begun and not ended
    private long _uncachedInput;
    private long _cacheRead;
    private long _cacheCreation;
    private int _calls;
    private bool _hasUsage;
    private bool _hasStopReason;
    private bool _hasContent;

    /// <summary>A stop reason was seen; or the end of a message that said something and gave none.</summary>
    public override bool IsComplete => _hasStopReason || (IsEnded && _hasContent);

    public override UsageDetails? Counted => _hasUsage ? Usage() : null;

    private bool HasCalls => _calls > 0 || _blocks.Exists(block => block.Type == "tool_use");

    public override ChatResponseUpdate? Finish()
    {
        if (!IsComplete)
        {
            throw ProtocolException.Interrupted();
        }

        List<AIContent>? contents = null;
        while (_blocks.Count > 0)
        {
            EndBlock(_blocks[0], ref contents);
        }

        AddHalves(ref contents);
        if (_hasUsage)
        {
            (contents ??= []).Add(new UsageContent(Usage()));
        }

        return contents is null ? null : Update(contents);
    }

    protected override ChatResponseUpdate? DecodeEvent(
        ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data, ref Utf8JsonReader reader)
    {
        Utf8JsonReader ahead = reader;
        if (IsTextDelta(ref ahead, out string? piece))
        {
            reader = ahead;
            End(ref reader);
            return TextUpdate(piece);
        }

        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        End(ref reader);
        JsonElement root = document.RootElement;
        string type = Text(root, "type") ?? Encoding.UTF8.GetString(eventType);
        if (type == "error" || IsError(root))
        {
            throw ProtocolException.ErrorEvent(data);
        }

        CountFields(root, type == "message" ? MessageNames : EventNames);
        List<AIContent>? contents = null;
        string? stop = null;
        switch (type)
        {
            case "message_start":
                _blocks.Clear(); // a gateway that began anew: what was not ended never will be
                Identify(Member(root, "message"));
                break;
            case "content_block_start":
                Begin(Member(root, "content_block"), (int?)root.Number("index"), ref contents);
                break;
            case "content_block_delta":
                ReadDelta(Member(root, "delta"), Find((int?)root.Number("index")), ref contents);
                break;
            case "content_block_stop":
                EndBlock(Find((int?)root.Number("index")), ref contents);
                break;
            case "message_delta":
                TakeUsage(root);
                CountFields(Member(root, "delta"), DeltaNames);
                stop = Text(Member(root, "delta"), "stop_reason");
                break;
            case "message_stop":
                IsEnded = true;
                break;
            case "ping":
                break;
            case "message":
                stop = ReadMessage(root, ref contents);
                IsEnded = true;
                break;
            default:
                Additions.Event();
                break;
        }

        if (contents is null && stop is null)
        {
            return null;
        }

        _hasContent |= contents is not null;
        ChatResponseUpdate update = Update(contents ?? []);
        if (stop is not null)
        {
            Stop(update, stop);
        }

        return update;
    }

    // Nearly every event is a piece of text and nothing else: such a one is read without a document.
    private static bool IsTextDelta(ref Utf8JsonReader reader, out string? text)
    {
        text = null;
        bool isDelta = false;
        while (reader.ReadMember())
        {
            bool isPlain = false;
            if (reader.Is("type"u8))
            {
                isPlain = isDelta = IsValue(ref reader, "content_block_delta"u8);
            }
            else if (reader.Is("delta"u8))
            {
                isPlain = IsTextOnly(ref reader, out text);
            }
            else if (reader.Is("index"u8))
            {
                isPlain = reader.Read() && reader.TokenType == JsonTokenType.Number;
            }

            if (!isPlain)
            {
                return false;
            }
        }

        return isDelta && text is not null;
    }

    // Whether the object behind a name holds a text and its type; of any other the rest is not looked at.
    private static bool IsTextOnly(ref Utf8JsonReader reader, out string? text)
    {
        text = null;
        bool isText = reader.Read() && reader.TokenType == JsonTokenType.StartObject;
        while (isText && reader.ReadMember())
        {
            if (reader.Is("type"u8))
            {
                isText = IsValue(ref reader, "text_delta"u8);
            }
            else
            {
                isText = reader.Is("text"u8) && (text = LenientJson.Text(ref reader)) is not null;
            }
        }

        return isText && text is not null;
    }

    private static bool IsValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> value) =>
        reader.Read() && reader.TokenType == JsonTokenType.String && reader.Is(value);

    private ChatResponseUpdate? TextUpdate(string? piece)
    {
        List<AIContent>? contents = null;
        AddText(ref contents, piece);
        if (contents is null)
        {
            return null;
        }

        _hasContent = true;
        return Update(contents);
    }

    // An answer that came whole.
    private string? ReadMessage(JsonElement message, ref List<AIContent>? contents)
    {
        Identify(message);
        if (Member(message, "content") is { ValueKind: JsonValueKind.Array } blocks)
        {
            int index = 0;
            foreach (JsonElement block in blocks.EnumerateArray())
            {
                Begin(block, index, ref contents);
                EndBlock(Find(index++), ref contents);
            }
        }

        return Text(message, "stop_reason");
    }

    private void Identify(JsonElement message)
    {
        ResponseId = Text(message, "id") ?? ResponseId;
        ModelId = Text(message, "model") ?? ModelId;
        TakeUsage(message);
    }

    private void Begin(JsonElement content, int? index, ref List<AIContent>? contents)
    {
        var block = new Block(Text(content, "type") ?? "", index);
        _blocks.Add(block);
        switch (block.Type)
        {
            case "tool_use":
                block.Id = Text(content, "id");
                block.Name = Text(content, "name");
                block.Input.Append(Input(Member(content, "input")));
                break;
            case "redacted_thinking" when Text(content, "data") is { } data:
                (contents ??= []).Add(Thought("", Redacted + data));
                break;
            case "text":
                AddText(ref contents, RawText(content, "text"));
                break;
            case "thinking" when Text(content, "signature") is { } signature:
                (contents ??= []).Add(Thought(RawText(content, "thinking"), signature));
                break;
            case "thinking":
                AddThought(ref contents, RawText(content, "thinking"));
                break;
            case "redacted_thinking"
                or "server_tool_use"
                or "mcp_tool_use"
                or "mcp_tool_result"
                or "web_search_tool_result"
                or "web_fetch_tool_result"
                or "code_execution_tool_result"
                or "bash_code_execution_tool_result"
                or "text_editor_code_execution_tool_result"
                or "tool_search_tool_result"
                or "container_upload"
                or "compaction"
                or "advisor_tool_result"
                or "fallback":
                break; // made and consumed by tools that run at Anthropic
            default:
                Additions.Part();
                break;
        }
    }

    private static string? Input(JsonElement input) => input.ValueKind switch
    {
        JsonValueKind.Object => input.GetRawText(),
        JsonValueKind.String => LenientJson.Text(input),
        _ => null,
    };

    private void ReadDelta(JsonElement delta, Block? block, ref List<AIContent>? contents)
    {
        CountFields(delta, DeltaNames);
        switch (Text(delta, "type"))
        {
            case "text_delta" or null: // some gateways give no type
                AddText(ref contents, RawText(delta, "text"));
                break;
            case "input_json_delta":
                block?.Append(RawText(delta, "partial_json"));
                break;
            case "thinking_delta":
                AddThought(ref contents, RawText(delta, "thinking"));
                break;
            case "signature_delta" when Text(delta, "signature") is { } signature:
                (contents ??= []).Add(Thought("", signature));
                break;
            case "signature_delta" or "citations_delta" or "compaction_delta":
                break;
            default:
                Additions.Delta();
                break;
        }
    }

    private void EndBlock(Block? block, ref List<AIContent>? contents)
    {
        if (block is null)
        {
            return;
        }

        _blocks.Remove(block);
        if (block.Type != "tool_use")
        {
            return;
        }

        string id = block.Id ?? "call_" + (earlierCalls + _calls).ToString(CultureInfo.InvariantCulture);
        _calls++;
        (contents ??= []).Add(block.Name is null
            ? NamelessCall()
            : JsonText.Call(id, block.Name, Encoding.UTF8.GetBytes(block.Input.ToString())));
    }

    // Blocks follow each other today; the index allows them to mix. Without one, the latest is meant.
    private Block? Find(int? index) =>
        index is null ? _blocks.LastOrDefault() : _blocks.FindLast(block => block.Index == index);

    private void Stop(ChatResponseUpdate update, string reason)
    {
        _hasStopReason = true;
        switch (reason)
        {
            case "end_turn" or "stop_sequence":
                // some gateways do not tell the two apart
                update.FinishReason = HasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
                break;
            case "max_tokens" or "model_context_window_exceeded":
                update.FinishReason = ChatFinishReason.Length;
                break;
            case "tool_use":
                update.FinishReason = ChatFinishReason.ToolCalls;
                break;
            case "refusal":
                update.FinishReason = ChatFinishReason.ContentFilter;
                update.Contents.Add(new ErrorContent("The provider stopped the answer.") { ErrorCode = reason });
                break;
            case "pause_turn" or "compaction":
                update.FinishReason = new ChatFinishReason(reason);
                break;
            default:
                Additions.StopReason();
                update.FinishReason = new ChatFinishReason(reason);
                break;
        }
    }

    private void TakeUsage(JsonElement holder)
    {
        JsonElement usage = Member(holder, "usage");
        if (usage.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        _hasUsage = true;
        _uncachedInput = usage.Number("input_tokens") ?? _uncachedInput;
        _cacheRead = usage.Number("cache_read_input_tokens") ?? _cacheRead;
        _cacheCreation = usage.Number("cache_creation_input_tokens") ?? _cacheCreation;
        _usage.OutputTokenCount = usage.Number("output_tokens") ?? _usage.OutputTokenCount;
        _usage.ReasoningTokenCount =
            Member(usage, "output_tokens_details").Number("thinking_tokens") ?? _usage.ReasoningTokenCount;
    }

    // Anthropic counts what came from or went into the cache apart; everywhere else input means all input.
    private UsageDetails Usage()
    {
        _usage.InputTokenCount = _uncachedInput + _cacheRead + _cacheCreation;
        _usage.CachedInputTokenCount = _cacheRead;
        if (_cacheCreation > 0)
        {
            (_usage.AdditionalCounts ??= [])[ChatProtocol.CacheCreation] = _cacheCreation;
        }

        _usage.TotalTokenCount = _usage.InputTokenCount + (_usage.OutputTokenCount ?? 0);
        return _usage;
    }

    private TextReasoningContent Thought(string? text, string signature) =>
        new(LenientJson.WellFormed(text ?? "")) { ProtectedData = ReasoningSignatures.Seal(origin, signature) };

    private void CountFields(JsonElement holder, string[] known)
    {
        if (holder.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (JsonProperty property in holder.EnumerateObject())
        {
            if (!Array.Exists(known, property.NameEquals))
            {
                Additions.Field();
            }
        }
    }

    private static bool IsError(JsonElement root)
    {
        JsonElement error = Member(root, "error");
        return error.ValueKind switch
        {
            JsonValueKind.Object => error.EnumerateObject().Any(),
            JsonValueKind.Array => error.GetArrayLength() > 0,
            JsonValueKind.String => !error.ValueEquals(""),
            JsonValueKind.True => true,
            _ => false,
        };
    }

    private static JsonElement Member(JsonElement holder, string name) => holder.Member(name) ?? default;

    private static string? RawText(JsonElement holder, string name) => LenientJson.Text(Member(holder, name));

    private static string? Text(JsonElement holder, string name) =>
        RawText(holder, name) is { Length: > 0 } text ? LenientJson.WellFormed(text) : null;

    private sealed class Block(string type, int? index)
    {
        private bool _hasPieces;

        public string Type { get; } = type;

        public int? Index { get; } = index;

        public string? Id { get; set; }

        public string? Name { get; set; }

        /// <summary>The input as the block began with it; what comes in pieces replaces it.</summary>
        public StringBuilder Input { get; } = new();

        public void Append(string? piece)
        {
            if (piece is { Length: > 0 } && !_hasPieces)
            {
                Input.Clear();
                _hasPieces = true;
            }

            Input.Append(piece);
        }
    }
}
