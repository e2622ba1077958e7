using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Reads chat completions: deltas until <c>[DONE]</c>, or one whole message. Tool calls are put together by their index. A stream is
/// complete when a finish reason and <c>[DONE]</c> were both seen: a proxy that lost its upstream may still send the latter.
/// </summary>
internal sealed partial class OpenAIStreamDecoder : StreamDecoder
{
    private readonly SortedDictionary<long, PendingCall> _calls = [];
    private StringBuilder? _refusal;
    private UsageDetails? _usage;
    private bool _hasFinish;

    public override ChatResponseUpdate? Finish() => IsEnded ? FinishWhole() : throw WireException.Interrupted();

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
            if (reader.ValueTextEquals("choices"u8))
            {
                hasChoices = true;
                ReadChoices(ref reader, data, ref contents, ref finish);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                ReadUsage(ref reader);
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                ResponseId = Repeated(ref reader, ResponseId);
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                ModelId = Repeated(ref reader, ModelId);
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Null)
                {
                    throw WireException.Error(data);
                }
            }
            else
            {
                hasUnknown = true;
                reader.Skip();
            }
        }

        Expect(reader.TokenType == JsonTokenType.EndObject && !reader.Read());
        Expect(hasChoices || !hasUnknown);
        if (finish is not null)
        {
            _hasFinish = true;
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
                if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("message"u8))
                {
                    hasMessage = true;
                    ReadMessage(ref reader, ref contents);
                }
                else if (reader.ValueTextEquals("finish_reason"u8))
                {
                    reader.Read();
                    finish = reader.TokenType == JsonTokenType.Null ? finish : reader.GetString();
                }
                else if (reader.ValueTextEquals("error"u8))
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
                    hasUnknown |= !reader.ValueTextEquals("index"u8) && !reader.ValueTextEquals("logprobs"u8);
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
            if (reader.ValueTextEquals("content"u8))
            {
                isKnown = true;
                if (Text(ref reader) is { Length: > 0 } text)
                {
                    (contents ??= new List<AIContent>(1)).Add(new TextContent(text));
                }
            }
            else if (reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("reasoning"u8))
            {
                isKnown = true;
                if (Text(ref reader) is { Length: > 0 } thought)
                {
                    (contents ??= new List<AIContent>(1)).Add(new TextReasoningContent(thought));
                }
            }
            else if (reader.ValueTextEquals("refusal"u8))
            {
                isKnown = true;
                if (Text(ref reader) is { Length: > 0 } refusal)
                {
                    (_refusal ??= new StringBuilder()).Append(refusal);
                }
            }
            else if (reader.ValueTextEquals("tool_calls"u8))
            {
                isKnown = true;
                ReadCalls(ref reader);
            }
            else
            {
                bool isPassedOver = reader.ValueTextEquals("role"u8) || reader.ValueTextEquals("reasoning_details"u8)
                    || reader.ValueTextEquals("annotations"u8) || reader.ValueTextEquals("audio"u8)
                    || reader.ValueTextEquals("function_call"u8) || reader.ValueTextEquals("provider_specific_fields"u8);
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
