namespace Coach.Abstractions;

/// <summary>What a rate limit says. The zero value is a refusal.</summary>
/// <param name="IsGranted">Whether the permits were taken.</param>
/// <param name="Remaining">How many whole permits are left.</param>
/// <param name="RetryAfter">After a refusal: when the permits will be there if nobody takes them; otherwise
/// zero.</param>
public readonly record struct RateLimitDecision(bool IsGranted, int Remaining, TimeSpan RetryAfter);
