using System.Threading.RateLimiting;

namespace Coach.Llm.Resilience;

/// <summary>
/// Admits calls: so many per minute and session, so many per minute and key (over all sessions), so many of a session
/// at once; on all replicas together where they share a store. A call that is refused by one limit costs nothing at the
/// others.
/// </summary>
internal sealed class SessionLimiter
{
    private readonly LlmLimitOptions _options;
    private readonly TimeProvider _time;
    private readonly SharedCallLimits? _shared;
    private readonly ExpiringCache<string, SessionGate>? _sessions;
    private readonly ExpiringCache<string, TokenBucket>? _keys;

    /// <param name="options">The limits.</param>
    /// <param name="maxSessions">The most sessions at once; twice as many are told apart, since those that have just
    /// left may still be refilling.</param>
    /// <param name="time">The clock.</param>
    /// <param name="shared">What replicas keep together; null for nothing.</param>
    public SessionLimiter(
        LlmLimitOptions options, int maxSessions, TimeProvider time, SharedCallLimits? shared = null)
    {
        (_options, _time, _shared) = (options, time, shared);
        int capacity = Math.Max(1024, 2 * maxSessions);
        if (options.SessionCallsPerMinute > 0 || options.ConcurrentCallsPerSession > 0)
        {
            _sessions = new(capacity, time) { WhenFull = WhenFull.Refuse, IsUnused = gate => gate.IsUnused };
        }

        if (options.KeyCallsPerMinute > 0)
        {
            _keys = new(
                capacity, time)
            { WhenFull = WhenFull.Refuse, IsUnused = bucket => bucket.IdleDuration is not null };
        }
    }

    /// <summary>Admits one call, waiting for a running one of the same session to end if need be.</summary>
    /// <param name="session">The session.</param>
    /// <param name="keyFingerprint">The fingerprint of the key the call uses.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Dispose it when the call, or its stream, has ended.</returns>
    /// <exception cref="LlmException"><see cref="LlmError.LocalLimit"/>, with the time to wait where it is
    /// known.</exception>
    public async ValueTask<CallPermit> AcquireAsync(
        SessionId session, string keyFingerprint, CancellationToken cancellationToken = default)
    {
        TokenBucket? perKey = Find(
            _keys, keyFingerprint, _ => new TokenBucket(_options.KeyCallsPerMinute, _options.KeyBurst, _time));
        SessionGate? gate = Find(_sessions, session.Value, _ => new SessionGate(_options, _time));
        Take(gate?.Rate, "calls per minute of this session");
        try
        {
            Take(perKey, "calls per minute of this key");
        }
        catch (LlmException)
        {
            gate?.Rate?.GiveBack();
            throw;
        }

        RateLimitLease? lease = null;
        try
        {
            lease = await RunAsync(gate?.Concurrency, cancellationToken).ConfigureAwait(false);
            return new CallPermit(
                lease,
                _shared is null
                    ? null
                    : await _shared.AcquireAsync(session, keyFingerprint, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            lease?.Dispose();
            gate?.Rate?.GiveBack();
            perKey?.GiveBack();
            throw;
        }
    }

    // One of the session's calls that run at the same time; null where they are not limited.
    private static async ValueTask<RateLimitLease?> RunAsync(
        ConcurrencyLimiter? concurrency, CancellationToken cancellationToken)
    {
        if (concurrency is null)
        {
            return null;
        }

        RateLimitLease lease = await concurrency.AcquireAsync(1, cancellationToken).ConfigureAwait(false);
        if (lease.IsAcquired)
        {
            return lease;
        }

        lease.Dispose();
        throw LlmException.LocalLimit(
            "calls of one session at the same time (Coach:Llm:Limits:ConcurrentCallsPerSession)", retryAfter: null);
    }

    // A full table refuses: a new name must not go unlimited because others are busy.
    private static TLimiter? Find<TLimiter>(
        ExpiringCache<string, TLimiter>? table, string name, Func<string, TLimiter> create)
        where TLimiter : class
    {
        if (table is null)
        {
            return null;
        }

        return table.TryGetOrAdd(name, create, out TLimiter? limiter)
            ? limiter
            : throw LlmException.LocalLimit("sessions and keys that call at the same time", retryAfter: null);
    }

    private static void Take(TokenBucket? bucket, string what)
    {
        using RateLimitLease? lease = bucket?.AttemptAcquire();
        if (lease is { IsAcquired: false })
        {
            throw LlmException.LocalLimit(
                what, lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait) ? wait : null);
        }
    }

    private sealed class SessionGate(LlmLimitOptions options, TimeProvider time)
    {
        public TokenBucket? Rate { get; } = options.SessionCallsPerMinute > 0
            ? new TokenBucket(options.SessionCallsPerMinute, options.SessionBurst, time)
            : null;

        public ConcurrencyLimiter? Concurrency { get; } = options.ConcurrentCallsPerSession > 0
            ? new ConcurrencyLimiter(new ConcurrencyLimiterOptions
            {
                PermitLimit = options.ConcurrentCallsPerSession,
                QueueLimit = options.QueuedCallsPerSession,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            })
            : null;

        public bool IsUnused => Rate is not { IdleDuration: null } && Concurrency is not { IdleDuration: null };
    }
}

/// <summary>The right to make one call, in this process and on all replicas.</summary>
internal readonly struct CallPermit(RateLimitLease? lease, IAsyncDisposable? shared) : IAsyncDisposable
{
    public ValueTask DisposeAsync()
    {
        lease?.Dispose();
        return shared?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
