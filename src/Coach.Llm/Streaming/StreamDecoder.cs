using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Streaming;

/// <summary>Turns the events of one provider's stream into updates. One instance per response.</summary>
/// <remarks>
/// Additions never take an answer away: fields, parts, events, deltas and stop reasons that are not known are passed
/// over and counted, and what is null, empty or oddly typed means nothing. Broken JSON and a missing end are faults.
/// </remarks>
internal abstract class StreamDecoder
{
    private const char NoHalf = '\0';
    private const int MaxWords = 32;

    private byte[] _responseId = [];
    private byte[] _modelId = [];
    private char _half;
    private char _thoughtHalf;

    /// <summary>Whether the protocol says that nothing more comes.</summary>
    public bool IsEnded { get; protected set; }

    /// <summary>Whether the whole answer was read. What may still come, such as usage, is no part of it.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>What the provider has counted so far; always the same object. Null while it has counted
    /// nothing.</summary>
    public virtual UsageDetails? Counted => null;

    public ProtocolAdditions Additions { get; } = new();

    /// <summary>The response's id, as far as it was told.</summary>
    public string? Id => ResponseId;

    protected string? ResponseId { get; set; }

    protected string? ModelId { get; set; }

    /// <summary>Decodes one event.</summary>
    /// <returns>Null when it carries nothing for the caller.</returns>
    /// <exception cref="ProtocolException">It is no JSON, or an error.</exception>
    public ChatResponseUpdate? Decode(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data)
    {
        data = data.Trim(" \t\r\n"u8);
        if (data.SequenceEqual("[DONE]"u8)) // OpenAI's mark, which gateways also put behind other providers' answers
        {
            IsEnded = true;
            return null;
        }

        if (eventType.SequenceEqual("error"u8))
        {
            throw ProtocolException.ErrorEvent(data);
        }

        if (IsWords(data))
        {
            Additions.Event(); // "ping", "keep-alive": a sign of life from a gateway on the way
            return null;
        }

        if (data.Contains((byte)'\n') && HasWholeFirstLine(data))
        {
            return DecodeLines(eventType, data);
        }

        try
        {
            var reader = new Utf8JsonReader(data);
            return !data.IsEmpty && IsObject(ref reader, data) ? DecodeEvent(eventType, data, ref reader) : null;
        }
        // the second: a text that is not UTF-8
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw ProtocolException.Malformed("an event is not the JSON it should be", exception);
        }
    }

    /// <summary>To be called when the stream has ended.</summary>
    /// <returns>What was held back until now, such as usage; or null.</returns>
    /// <exception cref="ProtocolException">The answer is not complete.</exception>
    public abstract ChatResponseUpdate? Finish();

    /// <summary>Decodes an event that is an object, at whose beginning the reader stands.</summary>
    protected abstract ChatResponseUpdate? DecodeEvent(
        ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data, ref Utf8JsonReader reader);

    protected ChatResponseUpdate Update(IList<AIContent> contents) =>
        new(ChatRole.Assistant, contents) { ResponseId = ResponseId, MessageId = ResponseId, ModelId = ModelId };

    /// <summary>Reads the value of the property the reader stands on as the response's id, if it is a string.</summary>
    protected void ReadResponseId(ref Utf8JsonReader reader) =>
        ResponseId = Repeated(ref reader, ResponseId, ref _responseId);

    /// <summary>As <see cref="ReadResponseId"/>, for the model.</summary>
    protected void ReadModelId(ref Utf8JsonReader reader) => ModelId = Repeated(ref reader, ModelId, ref _modelId);

    /// <summary>
    /// Passes over the member the reader stands on, and counts it unless its name is one of those that are known and
    /// not needed.
    /// </summary>
    protected void Skip(ref Utf8JsonReader reader, byte[][] known)
    {
        if (!LenientJson.IsAnyOf(ref reader, known))
        {
            Additions.Field();
        }

        reader.Skip();
    }

    /// <summary>
    /// Adds a piece of text. A character whose halves come in two events is held back until it is whole.
    /// </summary>
    protected void AddText(ref List<AIContent>? contents, string? piece)
    {
        if (piece is { Length: > 0 } && LenientJson.Join(ref _half, piece) is { Length: > 0 } text)
        {
            (contents ??= new List<AIContent>(1)).Add(new TextContent(text));
        }
    }

    /// <summary>As <see cref="AddText"/>, for a thought.</summary>
    protected void AddThought(ref List<AIContent>? contents, string? piece)
    {
        if (piece is { Length: > 0 } && LenientJson.Join(ref _thoughtHalf, piece) is { Length: > 0 } text)
        {
            (contents ??= new List<AIContent>(1)).Add(new TextReasoningContent(text));
        }
    }

    /// <summary>Adds what was held back of a character that was never completed.</summary>
    protected void AddHalves(ref List<AIContent>? contents)
    {
        if (_thoughtHalf != NoHalf)
        {
            (contents ??= []).Add(new TextReasoningContent("\uFFFD"));
        }

        if (_half != NoHalf)
        {
            (contents ??= []).Add(new TextContent("\uFFFD"));
        }

        _half = _thoughtHalf = NoHalf;
    }

    /// <summary>
    /// A call that names no function: nothing can run it, and without a word about it the turn would look like an empty
    /// success.
    /// </summary>
    protected static ErrorContent NamelessCall() =>
        new("The provider sent a tool call without a name.") { ErrorCode = "malformed_tool_call" };

    /// <summary>To be called at the end of an event's object.</summary>
    protected static void End(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
        {
            throw new JsonException("An event holds more than one value.");
        }
    }

    // No value of JSON, damaged or not, is a few plain words; those three that are mean nothing as an event either.
    private static bool IsWords(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty || data.Length > MaxWords || !char.IsAsciiLetter((char)data[0]))
        {
            return false;
        }

        foreach (byte letter in data)
        {
            bool isOfAWord = char.IsAsciiLetterOrDigit((char)letter) || "-_ ."u8.Contains(letter);
            if (!isOfAWord)
            {
                return false;
            }
        }

        return true;
    }

    // Servers that leave out the blank lines between events: what is joined are whole values, a line each.
    private ChatResponseUpdate? DecodeLines(ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data)
    {
        ChatResponseUpdate? all = null;
        foreach (Range line in data.Split((byte)'\n'))
        {
            ChatResponseUpdate? update = Decode(eventType, data[line]);
            if (all is null || update is null)
            {
                all ??= update;
                continue;
            }

            foreach (AIContent content in update.Contents)
            {
                all.Contents.Add(content);
            }

            all.FinishReason = update.FinishReason ?? all.FinishReason;
        }

        return all;
    }

    private static bool HasWholeFirstLine(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> line = data[..data.IndexOf((byte)'\n')];
        if (line.SequenceEqual("[DONE]"u8))
        {
            return true;
        }

        try
        {
            var reader = new Utf8JsonReader(line, isFinalBlock: false, default);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private bool IsObject(ref Utf8JsonReader reader, ReadOnlySpan<byte> data)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            return true;
        }

        if (reader.TokenType == JsonTokenType.StartArray && ErrorBody.Parse(data).HasError)
        {
            throw ProtocolException.Error(data); // Google and some gateways wrap errors
        }

        reader.Skip();
        reader.Read(); // throws if anything follows
        Additions.Event();
        return false;
    }

    // Model and id repeat in every event: the same bytes are the same string.
    private static string? Repeated(ref Utf8JsonReader reader, string? current, ref byte[] bytes)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String || (current is not null && reader.ValueSpan.SequenceEqual(bytes)))
        {
            reader.Skip();
            return current;
        }

        bytes = reader.ValueSpan.ToArray();
        return LenientJson.WellFormed(LenientJson.TextHere(ref reader)!);
    }
}
