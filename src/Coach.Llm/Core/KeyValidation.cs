using Coach.Llm.Core;

namespace Coach.Llm;

/// <summary>The outcome of a key validation. Holds no key, and of what a server sent only models and dates.</summary>
/// <param name="Status">What is known about the key.</param>
/// <param name="Message">One sentence for people: what it means and what to do.</param>
/// <param name="IsAuthentic">Whether the provider knows the key; null when the outcome says nothing about it, as of a
/// server that takes any key: that one is valid, and <see cref="Limits"/> says so.</param>
/// <param name="RetryAfter">How long to wait before asking again, when the provider said so.</param>
public sealed record KeyValidation(KeyStatus Status, string Message, bool? IsAuthentic, TimeSpan? RetryAfter = null)
{
    /// <summary>Whether the provider accepts the key.</summary>
    public bool IsValid => Status == KeyStatus.Valid;

    /// <summary>The error code that belongs to <see cref="Status"/>.</summary>
    /// <value>One of <see cref="ErrorCodes"/>; null for a valid key.</value>
    public string? Code => KeyStatuses.CodeOf(Status);

    /// <summary>The provider's name, in lower case.</summary>
    /// <value>Empty when neither a key nor a provider was given.</value>
    public string Provider { get; init; } = "";

    /// <summary>The key's fingerprint: first 16 hexadecimal digits of its SHA-256.</summary>
    /// <value>Null when no key was given.</value>
    public string? Fingerprint { get; init; }

    /// <summary>
    /// Advice about the key's form, such as "this looks like a key of another provider". Never a reason to refuse.
    /// </summary>
    /// <value>Null when there is none.</value>
    public string? Hint { get; init; }

    /// <summary>When the key expires, if the provider said so.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The models that this key has, if the provider lists them for a key.</summary>
    /// <value>At most 1,000, in the provider's order; empty when it lists none or was not asked.</value>
    public IReadOnlyList<KeyModel> Models { get; init; } = [];

    /// <summary>
    /// What a valid key cannot do, or what could not be found out about it: one sentence each, for people.
    /// </summary>
    /// <value>Empty when there is nothing to say.</value>
    public IReadOnlyList<string> Limits { get; init; } = [];

    /// <summary>Whether the outcome was remembered rather than asked for just now.</summary>
    public bool IsCached { get; init; }

    /// <summary>Throws if the provider does not accept the key.</summary>
    /// <returns>This outcome.</returns>
    /// <exception cref="LlmException">The status is not <see cref="KeyStatus.Valid"/>.</exception>
    public KeyValidation EnsureValid() => IsValid ? this : throw LlmException.KeyRefused(this);
}
