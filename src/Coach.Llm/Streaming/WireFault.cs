namespace Coach.Llm;

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
