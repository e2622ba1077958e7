namespace Coach.Testing;

/// <summary>What can go wrong with one request to the fake.</summary>
public enum StripeFaultKind
{
    /// <summary>Nothing: the request is served as usual.</summary>
    None,

    /// <summary>An error status before anything is done; nothing is stored under the idempotency key.</summary>
    Status,

    /// <summary>An error status once execution has begun, without an effect; stored under the key and
    /// replayed.</summary>
    StoredError,

    /// <summary>The effect happens, the answer is an error status; stored under the key and replayed.</summary>
    StoredErrorAfterEffect,

    /// <summary>The connection breaks before anything is done.</summary>
    Reset,

    /// <summary>The effect happens and is stored; the connection breaks before the answer.</summary>
    LoseAnswer,

    /// <summary>Nothing is done and nothing is answered, ever.</summary>
    Hang,

    /// <summary>The effect happens and is stored; nothing is answered, ever.</summary>
    HangAfterEffect,

    /// <summary>The effect and the answer come after a delay, also when the caller has left; until then the key is in
    /// use.</summary>
    Slow,

    /// <summary>The effect happens and is stored; half of the answer arrives.</summary>
    Truncate,

    /// <summary>The effect happens and is stored; the answer is a 200 without a body.</summary>
    EmptySuccess,

    /// <summary>A proxy's HTML page before anything is done.</summary>
    Html,

    /// <summary>409 as if the key were in use.</summary>
    InUse,

    /// <summary>No connection can be made (in-process handler; over a socket it is a <see cref="Reset"/>).</summary>
    Refuse,
}
