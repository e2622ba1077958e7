using System.Text.Json;

namespace Coach.Llm.Streaming;

/// <summary>
/// Which of several answers to one request is read: the one that comes first. A stream may bring pieces of all of them,
/// each with the number of its answer.
/// </summary>
internal struct Alternative
{
    private long? _number;

    /// <summary>Whether the object at whose beginning the reader stands is of that answer. The reader stays.</summary>
    /// <param name="reader">Stands at the beginning of an answer, or of a piece of one.</param>
    /// <param name="name">The name of the member that numbers it; one without number is taken.</param>
    public bool IsRead(Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (reader.ReadMember())
        {
            if (!reader.Is(name))
            {
                reader.Skip();
            }
            else if (reader.ReadNumber() is { } number)
            {
                _number ??= number;
                return number == _number;
            }
        }

        return true;
    }
}
