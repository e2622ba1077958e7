using System.Text;
using System.Text.Json;
using Coach.Llm.Core;

namespace Coach.Llm.Streaming;

/// <summary>
/// What a decoder cannot accept. It knows no provider's name, so whoever reads the response turns it into an
/// <see cref="LlmException"/>.
/// </summary>
internal sealed class ProtocolException(
    ProtocolError fault, string what, byte[]? body = null, Exception? inner = null) : Exception(what, inner)
{
    public ProtocolError Fault { get; } = fault;

    /// <summary>The error object a server sent, to be classified; never shown.</summary>
    public byte[]? Body { get; } = body;

    public static ProtocolException Malformed(string what, Exception? inner = null) =>
        new(ProtocolError.Malformed, what, null, inner);

    public static ProtocolException Interrupted() =>
        new(ProtocolError.Interrupted, "the stream ended before the answer was complete");

    public static ProtocolException TooLarge() => new(ProtocolError.TooLarge, "the answer exceeds its limit");

    public static ProtocolException Error(ReadOnlySpan<byte> body) =>
        new(ProtocolError.ErrorBody, "an error inside a success", body.ToArray());

    /// <summary>An event of the type "error", whatever its data looks like.</summary>
    public static ProtocolException ErrorEvent(ReadOnlySpan<byte> data)
    {
        if (ErrorBody.Parse(data).HasError)
        {
            return Error(data);
        }

        byte[] told = data.StartsWith("{"u8)
            ? data.ToArray()
            : Encoding.UTF8.GetBytes($"\"{JsonEncodedText.Encode(data)}\"");
        return Error([.. "{\"error\":"u8, .. told, .. "}"u8]);
    }
}

/// <summary>The kinds of <see cref="ProtocolException"/>.</summary>
internal enum ProtocolError
{
    /// <summary>Not this protocol.</summary>
    Malformed,

    /// <summary>The stream ended too early.</summary>
    Interrupted,

    /// <summary>More bytes than allowed.</summary>
    TooLarge,

    /// <summary>The server's error object, where an answer was expected.</summary>
    ErrorBody,
}
