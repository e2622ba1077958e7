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

    /// <summary>Keeps the string it has if the value is the same: model and id repeat in every event.</summary>
    protected static string? Repeated(ref Utf8JsonReader reader, string? current) =>
        reader.TokenType != JsonTokenType.String ? current
        : current is not null && reader.ValueTextEquals(current) ? current
        : reader.GetString();

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
