using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Turns the events of one provider's stream into updates. One instance per response.</summary>
/// <remarks>
/// What is missing while something unknown is there counts as damage and is refused; something unknown beside what is expected
/// is a newer server and is passed over. So no damage makes text vanish unnoticed.
/// </remarks>
internal abstract class StreamDecoder
{
    /// <summary>Whether the protocol says that nothing more comes.</summary>
    public bool IsEnded { get; protected set; }

    private byte[] _responseId = [];
    private byte[] _modelId = [];

    protected string? ResponseId { get; set; }

    protected string? ModelId { get; set; }

    /// <summary>Decodes one event.</summary>
    /// <returns>Null when it carries nothing for the caller.</returns>
    /// <exception cref="WireException">It is damaged, or an error.</exception>
    public ChatResponseUpdate? Decode(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data)
    {
        try
        {
            return DecodeEvent(eventType, data);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or OverflowException
            or KeyNotFoundException)
        {
            throw WireException.Malformed("an event is not the JSON it should be", exception);
        }
    }

    /// <summary>To be called when the stream has ended.</summary>
    /// <returns>What was held back until now, such as usage; or null.</returns>
    /// <exception cref="WireException">The answer is not complete.</exception>
    public abstract ChatResponseUpdate? Finish();

    protected abstract ChatResponseUpdate? DecodeEvent(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data);

    protected ChatResponseUpdate Update(IList<AIContent> contents) =>
        new(ChatRole.Assistant, contents) { ResponseId = ResponseId, MessageId = ResponseId, ModelId = ModelId };

    /// <summary>Reads the value of the property the reader stands on as the response's id, if it is a string.</summary>
    protected void ReadResponseId(ref Utf8JsonReader reader) => ResponseId = Repeated(ref reader, ResponseId, ref _responseId);

    /// <summary>As <see cref="ReadResponseId"/>, for the model.</summary>
    protected void ReadModelId(ref Utf8JsonReader reader) => ModelId = Repeated(ref reader, ModelId, ref _modelId);

    /// <summary>Whether the reader stands on this name or text. Readers here always read one span.</summary>
    protected static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> text) =>
        reader.ValueIsEscaped ? reader.ValueTextEquals(text) : reader.ValueSpan.SequenceEqual(text);

    // Model and id repeat in every event: the same bytes are the same string.
    private static string? Repeated(ref Utf8JsonReader reader, string? current, ref byte[] bytes)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String || (current is not null && reader.ValueSpan.SequenceEqual(bytes)))
        {
            return current;
        }

        bytes = reader.ValueSpan.ToArray();
        return reader.GetString();
    }

    protected static void Expect(bool condition)
    {
        if (!condition)
        {
            throw WireException.Malformed("an event has not the shape it should have");
        }
    }

    /// <summary>Reads the value of the property the reader stands on as a count; null and other kinds count as nothing.</summary>
    protected static long? Count(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number)
        {
            return reader.TryGetInt64(out long value) ? value : null;
        }

        reader.Skip();
        return null;
    }
}
