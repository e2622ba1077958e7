namespace Coach;

/// <summary>
/// The source of jitter: the container's <see cref="Random"/> where a host or a test registered one, else its own.
/// </summary>
internal sealed class JitterSource(Random? random = null)
{
    private readonly Random _random = random ?? new Random();
    private readonly Lock _gate = new();

    /// <summary>A number from 0 up to, not including, 1.</summary>
    public double Next()
    {
        lock (_gate)
        {
            return _random.NextDouble();
        }
    }
}
