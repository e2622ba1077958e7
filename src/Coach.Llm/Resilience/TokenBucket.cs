using System.Threading.RateLimiting;

namespace Coach.Llm.Resilience;

/// <summary>
/// A token bucket on a <see cref="TimeProvider"/>. The one in System.Threading.RateLimiting takes its time from the
/// machine, so its refill cannot be proven; this one refills continuously and to the tick, and otherwise behaves as
/// that one with an empty queue.
/// </summary>
internal sealed class TokenBucket(int callsPerMinute, int burst, TimeProvider time) : RateLimiter
{
    private readonly Lock _gate = new();
    private readonly double _ticksPerToken = TimeSpan.TicksPerMinute / (double)callsPerMinute;
    private double _tokens = burst;
    private long _at = time.GetTimestamp();
    private long _fullSince = time.GetTimestamp();
    private long _granted;
    private long _refused;

    /// <summary>How long the bucket has been full: null while tokens are missing.</summary>
    public override TimeSpan? IdleDuration
    {
        get
        {
            lock (_gate)
            {
                Refill();
                return _tokens >= burst ? time.GetElapsedTime(_fullSince) : null;
            }
        }
    }

    public override RateLimiterStatistics GetStatistics()
    {
        lock (_gate)
        {
            Refill();
            return new RateLimiterStatistics
            {
                CurrentAvailablePermits = (long)_tokens,
                TotalSuccessfulLeases = _granted,
                TotalFailedLeases = _refused,
            };
        }
    }

    /// <summary>Gives a token back that was taken for a call that did not happen.</summary>
    public void GiveBack()
    {
        lock (_gate)
        {
            Refill();
            _tokens = Math.Min(burst, _tokens + 1);
        }
    }

    protected override RateLimitLease AttemptAcquireCore(int permitCount)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(permitCount, burst);
        lock (_gate)
        {
            Refill();
            if (_tokens >= permitCount)
            {
                _tokens -= permitCount;
                _granted++;
                return Lease.Granted;
            }

            _refused++;
            return new Lease(TimeSpan.FromTicks((long)Math.Ceiling((permitCount - _tokens) * _ticksPerToken)));
        }
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(
        int permitCount, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<RateLimitLease>(cancellationToken)
            : ValueTask.FromResult(AttemptAcquireCore(permitCount));

    private void Refill()
    {
        long now = time.GetTimestamp();
        if (_tokens < burst)
        {
            _tokens = Math.Min(burst, _tokens + (time.GetElapsedTime(_at, now).Ticks / _ticksPerToken));
            _fullSince = now;
        }

        _at = now;
    }

    private sealed class Lease(TimeSpan? retryAfter) : RateLimitLease
    {
        public static readonly Lease Granted = new(retryAfter: null);

        public override bool IsAcquired => retryAfter is null;

        public override IEnumerable<string> MetadataNames => retryAfter is null ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = metadataName == MetadataName.RetryAfter.Name ? retryAfter : null;
            return metadata is not null;
        }
    }
}
