namespace Coach.Abstractions;

/// <summary>
/// Token buckets in this process's memory, bounded in number: the least recently used one makes room for a new one.
/// </summary>
/// <remarks>
/// Who asks under ever new names can push others' buckets out, and they start full again: the bound protects memory,
/// and partitions that cannot be made up (an address, a key) protect the limit. One lock keeps the order of use, for
/// well under a microsecond a decision; each bucket is decided under its own.
/// </remarks>
public sealed class MemoryRateLimitStore : IRateLimitStore
{
    private const int MaxPartitionLength = 500;
    private const int MaxValue = 1_000_000;

    // By then any bucket is full again, however slowly it refills: to forget it changes nothing.
    private static readonly TimeSpan LongestRefill = TimeSpan.FromMinutes(MaxValue);

    private readonly TimeProvider _time;
    private readonly ExpiringCache<string, Bucket> _buckets;

    /// <summary>Creates a store without buckets.</summary>
    /// <param name="time">The clock that refills them.</param>
    /// <param name="maxBuckets">How many are kept; 1 to 10,000,000, about 300 bytes each.</param>
    public MemoryRateLimitStore(TimeProvider time, int maxBuckets = 100_000)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBuckets, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBuckets, 10_000_000);
        _time = time;
        _buckets = new ExpiringCache<string, Bucket>(maxBuckets, time, StringComparer.Ordinal)
        {
            IdleLifetime = LongestRefill,
        };
    }

    /// <summary>How many buckets are kept now.</summary>
    public int Count => _buckets.Count;

    /// <inheritdoc />
    public ValueTask<RateLimitDecision> TryAcquireAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default)
    {
        Check(partition, limit, permits);
        cancellationToken.ThrowIfCancellationRequested();
        Bucket bucket = _buckets.GetOrAdd(partition, static _ => new Bucket());
        lock (bucket)
        {
            return ValueTask.FromResult(Take(bucket, limit, permits));
        }
    }

    /// <inheritdoc />
    public ValueTask GiveBackAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default)
    {
        Check(partition, limit, permits);
        cancellationToken.ThrowIfCancellationRequested();
        if (_buckets.TryGet(partition, out Bucket? bucket))
        {
            lock (bucket)
            {
                bucket.Tokens = Math.Min(limit.Burst, bucket.Tokens + permits);
            }
        }

        return ValueTask.CompletedTask;
    }

    private static void Check(string partition, RateLimit limit, int permits)
    {
        ArgumentException.ThrowIfNullOrEmpty(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(partition.Length, MaxPartitionLength, nameof(partition));
        CheckRange(limit.Burst, nameof(limit), MaxValue);
        CheckRange(limit.PerMinute, nameof(limit), MaxValue);
        CheckRange(permits, nameof(permits), limit.Burst);
    }

    private static void CheckRange(int value, string name, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, maximum, name);
    }

    // Permits flow in continuously, so a refusal can say to the tick when enough of them will be there.
    private RateLimitDecision Take(Bucket bucket, RateLimit limit, int permits)
    {
        long now = _time.GetTimestamp();
        double perTick = limit.PerMinute / (double)TimeSpan.TicksPerMinute;
        double refilled = bucket.Tokens + (_time.GetElapsedTime(bucket.RefilledAt, now).Ticks * perTick);
        bucket.Tokens = Math.Min(limit.Burst, refilled);
        bucket.RefilledAt = now;

        // A thousandth of a permit forgives what rounding lost on the way.
        if (bucket.Tokens + 0.001 < permits)
        {
            long wait = (long)Math.Ceiling((permits - bucket.Tokens) / perTick);
            return new RateLimitDecision(false, (int)bucket.Tokens, TimeSpan.FromTicks(wait));
        }

        bucket.Tokens = Math.Max(0, bucket.Tokens - permits);
        return new RateLimitDecision(true, (int)(bucket.Tokens + 0.001), TimeSpan.Zero);
    }

    private sealed class Bucket
    {
        /// <summary>A new bucket is full, whatever its first limit holds.</summary>
        public double Tokens { get; set; } = double.PositiveInfinity;

        public long RefilledAt { get; set; }
    }
}
