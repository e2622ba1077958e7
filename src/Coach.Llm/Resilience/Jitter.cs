namespace Coach.Llm.Resilience;

/// <summary>The source of randomness for waits; a host or a test may register its own <see cref="Random"/>.</summary>
internal sealed class Jitter(Random random)
{
    private readonly Lock _gate = new();

    /// <summary>Spreads a wait over half to one and a half of its length.</summary>
    public TimeSpan Spread(TimeSpan wait)
    {
        lock (_gate)
        {
            return wait * (0.5 + random.NextDouble());
        }
    }
}
