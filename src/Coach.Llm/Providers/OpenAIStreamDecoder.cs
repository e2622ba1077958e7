using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Reads chat completions: deltas until <c>[DONE]</c>, or one whole message. Tool calls are put together by their index. A stream is
/// complete when a finish reason was seen, and <c>[DONE]</c> or the usage that comes last: a proxy that lost its upstream may still send
/// <c>[DONE]</c>, and some servers never do.
/// </summary>
internal sealed partial class OpenAIStreamDecoder(int earlierCalls) : StreamDecoder
{
    private readonly List<PendingCall> _calls = [];
    private readonly Dictionary<long, PendingCall> _latest = [];
    private StringBuilder? _refusal;
    private UsageDetails? _usage;
    private bool _hasFinish;

    public override ChatResponseUpdate? Finish() => IsEnded || _usage is not null ? FinishWhole() : throw WireException.Interrupted();

    /// <summary>For an answer that came whole, without an end mark.</summary>
    public ChatResponseUpdate? FinishWhole()
    {
        if (!_hasFinish)
        {
            throw WireException.Interrupted();
        }

        return _usage is null ? null : Update([new UsageContent(_usage)]);
    }

    protected override ChatResponseUpdate? DecodeEvent(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            IsEnded = true;
            return null;
        }

        var reader = new Utf8JsonReader(data);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            throw WireException.Error(data); // errors of some gateways come wrapped
        }

        Expect(reader.TokenType == JsonTokenType.StartObject);
        List<AIContent>? contents = null;
        string? finish = null;
        bool hasChoices = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "choices"u8))
            {
                hasChoices = true;
                ReadChoices(ref reader, data, ref contents, ref finish);
            }
            else if (Is(ref reader, "usage"u8))
            {
                ReadUsage(ref reader);
            }
            else if (Is(ref reader, "id"u8))
            {
                ReadResponseId(ref reader);
            }
            else if (Is(ref reader, "model"u8))
            {
                ReadModelId(ref reader);
            }
            else if (Is(ref reader, "error"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Null)
                {
                    throw WireException.Error(data);
                }
            }
            else
            {
                hasUnknown |= !IsBesideChoices(ref reader);
                reader.Skip();
            }
        }

        Expect(reader.TokenType == JsonTokenType.EndObject && !reader.Read());
        Expect(hasChoices || !hasUnknown);
        if (finish is not null)
        {
            _hasFinish = true;
            finish = finish == "stop" && _calls.Count > 0 ? "tool_calls" : finish; // some servers do not tell the two apart
            TakePending(ref contents);
        }

        if (contents is null && finish is null)
        {
            return null;
        }

        ChatResponseUpdate update = Update(contents ?? []);
        update.FinishReason = finish switch
        {
            null => null,
            "stop" => ChatFinishReason.Stop,
            "length" => ChatFinishReason.Length,
            "tool_calls" or "function_call" => ChatFinishReason.ToolCalls,
            "content_filter" => ChatFinishReason.ContentFilter,
            _ => new ChatFinishReason(finish.ToLowerInvariant()),
        };
        return update;
    }

    // What an event may hold without choices, as some servers send the usage.
    private static bool IsBesideChoices(ref Utf8JsonReader reader) =>
        Is(ref reader, "object"u8) || Is(ref reader, "created"u8) || Is(ref reader, "system_fingerprint"u8) || Is(ref reader, "service_tier"u8)
        || Is(ref reader, "provider"u8) || Is(ref reader, "obfuscation"u8) || Is(ref reader, "prompt_filter_results"u8) || Is(ref reader, "x_groq"u8);

    private void ReadChoices(ref Utf8JsonReader reader, ReadOnlySpan<byte> data, ref List<AIContent>? contents, ref string? finish)
    {
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartArray);
        bool isFirst = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(reader.TokenType == JsonTokenType.StartObject);
            if (!isFirst)
            {
                reader.Skip(); // one answer is what was asked for
                continue;
            }

            isFirst = false;
            bool hasMessage = false;
            bool hasUnknown = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (Is(ref reader, "delta"u8) || Is(ref reader, "message"u8))
                {
                    hasMessage = true;
                    ReadMessage(ref reader, ref contents);
                }
                else if (Is(ref reader, "finish_reason"u8))
                {
                    reader.Read();
                    finish = reader.TokenType == JsonTokenType.Null ? finish : reader.GetString();
                }
                else if (Is(ref reader, "error"u8))
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.StartObject)
                    {
                        throw InnerError(ref reader);
                    }

                    reader.Skip();
                }
                else
                {
                    hasUnknown |= !Is(ref reader, "index"u8) && !Is(ref reader, "logprobs"u8);
                    reader.Skip();
                }
            }

            Expect(hasMessage || !hasUnknown);
        }

        if (finish == "error")
        {
            throw WireException.Error(data); // OpenRouter, when its upstream fails in the middle
        }
    }

    private void ReadMessage(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        Expect(reader.TokenType == JsonTokenType.StartObject);
        bool isKnown = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "content"u8))
            {
                isKnown = true;
                if (Text(ref reader) is { Length: > 0 } text)
                {
                    (contents ??= new List<AIContent>(1)).Add(new TextContent(text));
                }
            }
            else if (Is(ref reader, "reasoning_content"u8) || Is(ref reader, "reasoning"u8))
            {
                isKnown = true;
                if (Text(ref reader) is { Length: > 0 } thought)
                {
                    (contents ??= new List<AIContent>(1)).Add(new TextReasoningContent(thought));
                }
            }
            else if (Is(ref reader, "refusal"u8))
            {
                isKnown = true;
                if (Text(ref reader) is { Length: > 0 } refusal)
                {
                    (_refusal ??= new StringBuilder()).Append(refusal);
                }
            }
            else if (Is(ref reader, "tool_calls"u8))
            {
                isKnown = true;
                ReadCalls(ref reader);
            }
            else
            {
                bool isPassedOver = Is(ref reader, "role"u8) || Is(ref reader, "reasoning_details"u8)
                    || Is(ref reader, "annotations"u8) || Is(ref reader, "audio"u8) || Is(ref reader, "images"u8)
                    || Is(ref reader, "function_call"u8) || Is(ref reader, "provider_specific_fields"u8)
                    || Is(ref reader, "thinking_blocks"u8) || Is(ref reader, "extra_content"u8) || Is(ref reader, "context"u8);
                reader.Read();
                hasUnknown |= !isPassedOver && reader.TokenType != JsonTokenType.Null;
                reader.Skip();
            }
        }

        Expect(isKnown || !hasUnknown);
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.String or JsonTokenType.Null)
        {
            return reader.GetString();
        }

        Expect(false);
        return null;
    }

    // An error within a choice, lifted to where the rules for errors look for it.
    private static WireException InnerError(ref Utf8JsonReader reader)
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

        return WireException.Error(body.WrittenSpan);
    }
}
