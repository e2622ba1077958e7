using System.Diagnostics.CodeAnalysis;

namespace Coach.Llm.Keys;

/// <summary>What an outcome is remembered under. The key itself is not part of it.</summary>
internal readonly record struct KeyValidationCacheKey(string Tenant, string Provider, string Fingerprint);

/// <summary>Remembers outcomes for a while, at most so many; the oldest go first.</summary>
internal sealed class KeyValidationCache(int capacity, TimeSpan duration, TimeProvider time)
{
    private readonly ExpiringCache<KeyValidationCacheKey, KeyValidation> _outcomes = new(capacity, time);

    public int Count => _outcomes.Count;

    public bool TryGet(KeyValidationCacheKey key, [NotNullWhen(true)] out KeyValidation? outcome)
    {
        outcome = null;
        if (!_outcomes.TryGet(key, out KeyValidation? kept, out TimeSpan age))
        {
            return false;
        }

        outcome = kept with { IsCached = true, RetryAfter = Left(kept.RetryAfter, age) };
        return true;
    }

    /// <summary>Remembers an outcome that says something about the key; others never.</summary>
    public void Keep(KeyValidationCacheKey key, KeyValidation outcome)
    {
        TimeSpan lifetime = LifetimeOf(outcome);
        if (lifetime > TimeSpan.Zero)
        {
            _outcomes.Set(key, outcome, lifetime);
        }
    }

    public void Forget(KeyValidationCacheKey key) => _outcomes.Remove(key);

    private static TimeSpan? Left(TimeSpan? wait, TimeSpan age) =>
        wait is { } asked ? TimeSpan.FromTicks(Math.Max(0, (asked - age).Ticks)) : null;

    private TimeSpan LifetimeOf(KeyValidation outcome)
    {
        if (outcome.IsAuthentic is null)
        {
            return TimeSpan.Zero;
        }

        // A rate limit is over when the provider says so; without a word from it, nobody knows.
        TimeSpan lifetime = outcome.Status == KeyStatus.RateLimited ? outcome.RetryAfter ?? TimeSpan.Zero : duration;
        if (outcome is { IsValid: true, ExpiresAt: { } end } && end - time.GetUtcNow() is var left && left < lifetime)
        {
            lifetime = left;
        }

        return lifetime < duration ? lifetime : duration;
    }
}
