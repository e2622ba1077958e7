using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Tool calls, which come in pieces, and usage.</summary>
internal sealed partial class OpenAIStreamDecoder
{
    private void ReadCalls(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        long position = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(reader.TokenType == JsonTokenType.StartObject);
            ReadCall(ref reader, position++);
        }
    }

    private void ReadCall(ref Utf8JsonReader reader, long position)
    {
        long index = position; // whole messages need not number their calls
        string? id = null;
        string? name = null;
        string? arguments = null;
        bool hasFunction = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "index"u8))
            {
                index = Count(ref reader) ?? position;
            }
            else if (Is(ref reader, "id"u8))
            {
                id = Text(ref reader);
            }
            else if (Is(ref reader, "function"u8))
            {
                hasFunction = true;
                reader.Read();
                Expect(reader.TokenType == JsonTokenType.StartObject);
                bool isKnown = false;
                bool hasUnknown = false;
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (Is(ref reader, "name"u8))
                    {
                        isKnown = true;
                        name = Text(ref reader);
                    }
                    else if (Is(ref reader, "arguments"u8))
                    {
                        isKnown = true;
                        arguments = Text(ref reader);
                    }
                    else
                    {
                        hasUnknown = true;
                        reader.Skip();
                    }
                }

                Expect(isKnown || !hasUnknown);
            }
            else
            {
                reader.Skip();
            }
        }

        Expect(hasFunction);
        // The pieces of a call share its index. Servers that number none, or all alike, begin each call with an id of its own.
        if (!_latest.TryGetValue(index, out PendingCall? call) || (id is { Length: > 0 } && call.Id is { Length: > 0 } && call.Id != id && name is { Length: > 0 }))
        {
            _latest[index] = call = new PendingCall(index);
            _calls.Add(call);
        }

        call.Id = call.Id is null or "" ? id : call.Id;
        call.Name = call.Name is null or "" ? name : call.Name;
        if (arguments is { Length: > 0 })
        {
            Encoding.UTF8.GetBytes(arguments, call.Arguments);
        }
    }

    private void TakePending(ref List<AIContent>? contents)
    {
        if (_refusal is not null)
        {
            (contents ??= []).Add(new ErrorContent(_refusal.ToString()) { ErrorCode = "refusal" });
            _refusal = null;
        }

        int number = earlierCalls;
        foreach (PendingCall call in _calls.OrderBy(call => call.Index))
        {
            Expect(call.Name is { Length: > 0 });
            string id = call.Id is { Length: > 0 } given ? given : "call_" + number.ToString(CultureInfo.InvariantCulture);
            (contents ??= []).Add(JsonText.Call(id, call.Name!, call.Arguments.WrittenSpan));
            number++;
        }

        _calls.Clear();
        _latest.Clear();
    }

    private void ReadUsage(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        _usage ??= new UsageDetails();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "prompt_tokens"u8))
            {
                _usage.InputTokenCount = Count(ref reader);
            }
            else if (Is(ref reader, "completion_tokens"u8))
            {
                _usage.OutputTokenCount = Count(ref reader);
            }
            else if (Is(ref reader, "total_tokens"u8))
            {
                _usage.TotalTokenCount = Count(ref reader);
            }
            else if (Is(ref reader, "prompt_tokens_details"u8))
            {
                _usage.CachedInputTokenCount = Detail(ref reader, "cached_tokens"u8) ?? _usage.CachedInputTokenCount;
            }
            else if (Is(ref reader, "completion_tokens_details"u8))
            {
                _usage.ReasoningTokenCount = Detail(ref reader, "reasoning_tokens"u8) ?? _usage.ReasoningTokenCount;
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static long? Detail(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        reader.Read();
        long? count = null;
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals(name))
                {
                    count = Count(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return count;
    }

    private sealed class PendingCall(long index)
    {
        public long Index { get; } = index;

        public string? Id { get; set; }

        public string? Name { get; set; }

        public ArrayBufferWriter<byte> Arguments { get; } = new();
    }
}
