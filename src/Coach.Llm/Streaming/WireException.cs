namespace Coach.Llm;

/// <summary>What a decoder cannot accept. It knows no provider's name, so whoever reads the response turns it into an <see cref="LlmException"/>.</summary>
internal sealed class WireException(WireFault fault, string what, byte[]? body = null, Exception? inner = null) : Exception(what, inner)
{
    public WireFault Fault { get; } = fault;

    /// <summary>The error object a server sent, to be classified; never shown.</summary>
    public byte[]? Body { get; } = body;

    public static WireException Malformed(string what, Exception? inner = null) => new(WireFault.Malformed, what, null, inner);

    public static WireException Interrupted() => new(WireFault.Interrupted, "the stream ended before the answer was complete");

    public static WireException TooLarge() => new(WireFault.TooLarge, "the answer exceeds its limit");

    public static WireException Error(ReadOnlySpan<byte> body) => new(WireFault.ErrorBody, "an error inside a success", body.ToArray());
}

/// <summary>The kinds of <see cref="WireException"/>.</summary>
internal enum WireFault
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
