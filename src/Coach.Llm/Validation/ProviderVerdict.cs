namespace Coach.Llm;

/// <summary>What a provider's answer means: for a validator (<see cref="Status"/>) and for a client (<see cref="Error"/>).</summary>
internal sealed record ProviderVerdict
{
    /// <summary>What the answer says as the outcome of a key validation.</summary>
    public required KeyStatus Status { get; init; }

    /// <summary>What the answer says as the outcome of a call; meaningless for a success.</summary>
    public required LlmError Error { get; init; }

    /// <summary>One sentence for people, composed here; nothing of it comes from the server.</summary>
    public required string Message { get; init; }

    /// <summary>The status the answer came with, or that an error inside a 200 names.</summary>
    public required int HttpStatus { get; init; }

    /// <summary>Whether the same call may succeed soon without any change.</summary>
    public bool IsTransient { get; init; }

    /// <summary>The provider's hint, already freed of values that must not be trusted.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>When the key expires, if the answer says so.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public bool IsSuccess => Status == KeyStatus.Valid;

    /// <summary>False for a request that is wrong in itself: its failure is not the key's.</summary>
    public bool SaysSomethingAboutTheKey => Error is not (LlmError.RequestRejected or LlmError.ModelNotFound or LlmError.ProviderFailed);
}
