using Coach.Llm.Providers;

namespace Coach.Llm.Core;

/// <summary>
/// What a provider's answer means: for a validator (<see cref="Status"/>) and for a client (<see cref="Error"/>). A
/// provider's rules begin it; <see cref="ErrorClassifier"/> completes it.
/// </summary>
/// <param name="Status">What the answer says as the outcome of a key validation.</param>
internal sealed record ErrorClassification(KeyStatus Status)
{
    public ErrorClassification(KeyStatus status, LlmError error)
        : this(status) => Error = error;

    /// <summary>What the answer says as the outcome of a call.</summary>
    public LlmError Error { get; init; } = KeyStatuses.ErrorOf(Status);

    /// <summary>
    /// Whether the same call may succeed soon without any change. Of rules' making: whether a rate limit or outage
    /// passes by itself.
    /// </summary>
    public bool IsTransient { get; init; } = true;

    /// <summary>
    /// The provider's hint, already freed of values that must not be trusted. Of rules' making: the wait when there is
    /// no hint.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>One sentence for people, composed here; nothing of it comes from the server.</summary>
    public string Message { get; init; } = "";

    /// <summary>The status the answer came with, or that an error inside a 200 names.</summary>
    public int HttpStatus { get; init; }

    /// <summary>The provider's own code for it; null if it gave none that can be shown.</summary>
    public string? Code { get; init; }

    /// <summary>The provider's own name of what it is about; null as for <see cref="Code"/>.</summary>
    public string? Parameter { get; init; }

    /// <summary>The parameters that it refuses, of those that a request can do without.</summary>
    public RequestParameters Refused { get; init; }

    /// <summary>What of the request was too much, if that was it.</summary>
    public SizeRefusal Size { get; init; }

    /// <summary>False for a request that is wrong in itself: its failure is not the key's.</summary>
    public bool SaysSomethingAboutTheKey =>
        Error is not (LlmError.RequestRejected or LlmError.ModelNotFound or LlmError.ContextTooLong
            or LlmError.ProviderFailed);
}
