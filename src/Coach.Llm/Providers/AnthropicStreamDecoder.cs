using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Reads Anthropic's messages: named events until <c>message_stop</c>. Tool input comes in pieces that are JSON only together.
/// An event whose name and type differ, or a delta of unknown kind, is damage; a new kind of event is passed over.
/// </summary>
internal sealed class AnthropicStreamDecoder(string origin) : StreamDecoder
{
    /// <summary>Marks the data of a redacted thought among signatures.</summary>
    public const string Redacted = "redacted:";

    private readonly UsageDetails _usage = new();
    private Block? _block;
    private long _uncachedInput;
    private long _cacheRead;
    private long _cacheCreation;
    private bool _hasUsage;
    private bool _hasStopReason;

    public override ChatResponseUpdate? Finish()
    {
        if (!IsEnded || !_hasStopReason || _block is not null)
        {
            throw WireException.Interrupted();
        }

        return _hasUsage ? Update([new UsageContent(Usage())]) : null;
    }

    public static IReadOnlyList<ChatResponseUpdate> ReadWhole(string origin, ReadOnlySpan<byte> body)
    {
        var decoder = new AnthropicStreamDecoder(origin);
        try
        {
            var reader = new Utf8JsonReader(body);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            Expect(!reader.Read());
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || TypeOf(root) == "error" || root.TryGetProperty("error", out _))
            {
                throw WireException.Error(body);
            }

            Expect(TypeOf(root) == "message");
            ChatResponseUpdate update = decoder.ReadMessage(root);
            decoder.IsEnded = true;
            return [.. new[] { update, decoder.Finish() }.OfType<ChatResponseUpdate>()];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw WireException.Malformed("the answer is not the JSON it should be", exception);
        }
    }

    protected override ChatResponseUpdate? DecodeEvent(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartObject);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        Expect(!reader.Read());
        JsonElement root = document.RootElement;
        string type = TypeOf(root);
        if (type == "error" || eventType.SequenceEqual("error"u8) || root.TryGetProperty("error", out _))
        {
            throw WireException.Error(data);
        }

        Expect(eventType.IsEmpty || Encoding.UTF8.GetString(eventType) == type);
        switch (type)
        {
            case "message_start":
                return ReadMessageStart(root.GetProperty("message"));
            case "content_block_start":
                Expect(_block is null);
                return Begin(root.GetProperty("content_block"), root.GetProperty("index").GetInt32());
            case "content_block_delta":
                Expect(_block is not null && root.GetProperty("index").GetInt32() == _block.Index);
                return ReadDelta(root.GetProperty("delta"));
            case "content_block_stop":
                Expect(_block is not null);
                return End();
            case "message_delta":
                return ReadMessageDelta(root);
            case "message_stop":
                IsEnded = true;
                return null;
            default:
                return null;
        }
    }

    private ChatResponseUpdate? ReadMessageStart(JsonElement message)
    {
        Identify(message);
        return null;
    }

    private ChatResponseUpdate ReadMessage(JsonElement message)
    {
        Identify(message);
        var contents = new List<AIContent>();
        foreach (JsonElement block in message.GetProperty("content").EnumerateArray())
        {
            switch (TypeOf(block))
            {
                case "text":
                    contents.Add(new TextContent(block.GetProperty("text").GetString()));
                    break;
                case "tool_use":
                    var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(block.GetProperty("input").GetRawText()));
                    reader.Read();
                    contents.Add(new FunctionCallContent(
                        block.GetProperty("id").GetString()!, block.GetProperty("name").GetString()!, JsonText.ReadArguments(ref reader)));
                    break;
                case "thinking":
                    contents.Add(Thought(block.GetProperty("thinking").GetString(), Signature(block)));
                    break;
                case "redacted_thinking":
                    contents.Add(Thought("", Redacted + block.GetProperty("data").GetString()));
                    break;
            }
        }

        ChatResponseUpdate update = Update(contents);
        Stop(update, message.GetProperty("stop_reason").GetString());
        return update;
    }

    private void Identify(JsonElement message)
    {
        ResponseId = message.GetProperty("id").GetString();
        ModelId = message.TryGetProperty("model", out JsonElement model) ? model.GetString() : null;
        TakeUsage(message);
    }

    private ChatResponseUpdate? Begin(JsonElement block, int index)
    {
        _block = new Block(TypeOf(block), index);
        switch (_block.Type)
        {
            case "tool_use":
                _block.Id = block.GetProperty("id").GetString();
                _block.Name = block.GetProperty("name").GetString();
                Expect(_block is { Id.Length: > 0, Name.Length: > 0 });
                _block.Given = block.TryGetProperty("input", out JsonElement input) ? Encoding.UTF8.GetBytes(input.GetRawText()) : [];
                return null;
            case "redacted_thinking":
                return Update([Thought("", Redacted + block.GetProperty("data").GetString())]);
            case "text":
                string? text = block.GetProperty("text").GetString();
                return string.IsNullOrEmpty(text) ? null : Update([new TextContent(text)]);
            default:
                return null;
        }
    }

    private ChatResponseUpdate? ReadDelta(JsonElement delta)
    {
        switch (TypeOf(delta))
        {
            case "text_delta":
                Expect(_block!.Type == "text");
                return Update([new TextContent(delta.GetProperty("text").GetString())]);
            case "input_json_delta":
                Expect(_block!.Type is "tool_use" or "server_tool_use" or "mcp_tool_use");
                Encoding.UTF8.GetBytes(delta.GetProperty("partial_json").GetString() ?? "", _block!.Input);
                return null;
            case "thinking_delta":
                Expect(_block!.Type == "thinking");
                return Update([new TextReasoningContent(delta.GetProperty("thinking").GetString())]);
            case "signature_delta":
                return Update([Thought("", delta.GetProperty("signature").GetString())]);
            case "citations_delta":
                return null;
            default:
                return _block!.Type is "text" or "tool_use" or "thinking" ? throw WireException.Malformed("a delta is of a kind that is not known") : null;
        }
    }

    private ChatResponseUpdate? End()
    {
        Block block = _block!;
        _block = null;
        return block.Type == "tool_use"
            ? Update([JsonText.Call(block.Id!, block.Name!, block.Input.WrittenCount > 0 ? block.Input.WrittenSpan : block.Given)])
            : null;
    }

    private ChatResponseUpdate? ReadMessageDelta(JsonElement root)
    {
        TakeUsage(root);
        JsonElement delta = root.GetProperty("delta");
        if (!delta.TryGetProperty("stop_reason", out JsonElement reason) || reason.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        ChatResponseUpdate update = Update([]);
        Stop(update, reason.GetString());
        return update;
    }

    private void Stop(ChatResponseUpdate update, string? reason)
    {
        Expect(reason is { Length: > 0 });
        _hasStopReason = true;
        update.FinishReason = reason switch
        {
            "end_turn" or "stop_sequence" => ChatFinishReason.Stop,
            "max_tokens" or "model_context_window_exceeded" => ChatFinishReason.Length,
            "tool_use" => ChatFinishReason.ToolCalls,
            "refusal" => ChatFinishReason.ContentFilter,
            _ => new ChatFinishReason(reason!),
        };
        if (reason == "refusal")
        {
            update.Contents.Add(new ErrorContent("The provider stopped the answer.") { ErrorCode = reason });
        }
    }

    private void TakeUsage(JsonElement holder)
    {
        if (!holder.TryGetProperty("usage", out JsonElement usage) || usage.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        _hasUsage = true;
        _uncachedInput = CountOf(usage, "input_tokens") ?? _uncachedInput;
        _cacheRead = CountOf(usage, "cache_read_input_tokens") ?? _cacheRead;
        _cacheCreation = CountOf(usage, "cache_creation_input_tokens") ?? _cacheCreation;
        _usage.OutputTokenCount = CountOf(usage, "output_tokens") ?? _usage.OutputTokenCount;
    }

    // Anthropic counts what came from or went into the cache apart; everywhere else input means all input.
    private UsageDetails Usage()
    {
        _usage.InputTokenCount = _uncachedInput + _cacheRead + _cacheCreation;
        _usage.CachedInputTokenCount = _cacheRead;
        if (_cacheCreation > 0)
        {
            (_usage.AdditionalCounts ??= [])[CallSpan.CacheCreation] = _cacheCreation;
        }

        _usage.TotalTokenCount = _usage.InputTokenCount + (_usage.OutputTokenCount ?? 0);
        return _usage;
    }

    private TextReasoningContent Thought(string? text, string? signature) =>
        new(text ?? "") { ProtectedData = signature is { Length: > 0 } ? ProtectedParts.Seal(origin, signature) : null };

    private static string? Signature(JsonElement block) => block.TryGetProperty("signature", out JsonElement value) ? value.GetString() : null;

    private static long? CountOf(JsonElement usage, string name) =>
        usage.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long count) ? count : null;

    private static string TypeOf(JsonElement element)
    {
        Expect(element.ValueKind == JsonValueKind.Object && element.TryGetProperty("type", out JsonElement type)
            && type.ValueKind == JsonValueKind.String);
        return element.GetProperty("type").GetString()!;
    }

    private sealed class Block(string type, int index)
    {
        public string Type { get; } = type;

        public int Index { get; } = index;

        public string? Id { get; set; }

        public string? Name { get; set; }

        /// <summary>The input as the block began with it; what comes in pieces replaces it.</summary>
        public byte[] Given { get; set; } = [];

        public ArrayBufferWriter<byte> Input { get; } = new();
    }
}
