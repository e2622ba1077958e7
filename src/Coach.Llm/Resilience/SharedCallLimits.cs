namespace Coach.Llm.Resilience;

/// <summary>
/// The limits on calls that replicas keep together, beside those of this process. While their store is away the
/// process's own hold alone.
/// </summary>
/// <param name="rates">The buckets that replicas share; null where there are none.</param>
/// <param name="places">The count of calls that run on all replicas; null where there is none.</param>
/// <param name="options">The limits.</param>
/// <param name="time">The clock.</param>
internal sealed class SharedCallLimits(
    IRateLimitStore? rates, IConcurrencyStore? places, LlmLimitOptions options, TimeProvider time)
{
    // A place of a process that died is free after this long; one that is held is renewed three times as often.
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Admits a call that this process admits; one that is refused costs nothing.</summary>
    /// <param name="session">The session.</param>
    /// <param name="fingerprint">The key's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What is held while the call runs; null for nothing.</returns>
    /// <exception cref="LlmException"><see cref="LlmError.LocalLimit"/>.</exception>
    /// <exception cref="StoreException">The buckets are away, and the host wants no calls then.</exception>
    public async ValueTask<IAsyncDisposable?> AcquireAsync(
        SessionId session, string fingerprint, CancellationToken cancellationToken)
    {
        Place? place = await EnterAsync(session, cancellationToken).ConfigureAwait(false);
        try
        {
            await TakeAsync(session, fingerprint, cancellationToken).ConfigureAwait(false);
            return place;
        }
        catch
        {
            if (place is not null)
            {
                await place.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    private async ValueTask TakeAsync(SessionId session, string fingerprint, CancellationToken cancellationToken)
    {
        if (rates is null)
        {
            return;
        }

        string bySession = "calls:" + session.Value;
        var sessionLimit = new RateLimit(options.SessionBurst, options.SessionCallsPerMinute);
        if (options.SessionCallsPerMinute > 0)
        {
            RateLimitDecision decision = await rates.TryAcquireAsync(
                bySession, sessionLimit, cancellationToken: cancellationToken).ConfigureAwait(false);
            Check(decision, "calls per minute of this session");
        }

        if (options.KeyCallsPerMinute == 0)
        {
            return;
        }

        RateLimitDecision ofKey = await rates.TryAcquireAsync(
            "key-calls:" + fingerprint, new RateLimit(options.KeyBurst, options.KeyCallsPerMinute),
            cancellationToken: cancellationToken).ConfigureAwait(false);
        if (!ofKey.IsGranted && options.SessionCallsPerMinute > 0)
        {
            await rates.GiveBackAsync(bySession, sessionLimit, cancellationToken: CancellationToken.None)
                .ConfigureAwait(false);
        }

        Check(ofKey, "calls per minute of this key");
    }

    private static void Check(RateLimitDecision decision, string what)
    {
        if (!decision.IsGranted)
        {
            throw LlmException.LocalLimit(what, decision.RetryAfter);
        }
    }

    private async ValueTask<Place?> EnterAsync(SessionId session, CancellationToken cancellationToken)
    {
        if (places is null || options.ConcurrentCallsPerSession == 0)
        {
            return null;
        }

        var place = new Place(places, "calls-at-once:" + session.Value, time);
        while (!await place.TryEnterAsync(options.ConcurrentCallsPerSession, cancellationToken).ConfigureAwait(false))
        {
            if (options.QueuedCallsPerSession == 0)
            {
                throw LlmException.LocalLimit(
                    "calls of one session at the same time (Coach:Llm:Limits:ConcurrentCallsPerSession)",
                    retryAfter: null);
            }

            // Nobody tells when another replica's call ends.
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }

        return place;
    }

    /// <summary>A place among the calls that run, renewed until it is given back.</summary>
    private sealed class Place(IConcurrencyStore places, string partition, TimeProvider time) : IAsyncDisposable
    {
        private readonly string _id = Guid.NewGuid().ToString("N");
        private ITimer? _renewal;

        public async ValueTask<bool> TryEnterAsync(int limit, CancellationToken cancellationToken)
        {
            try
            {
                if (!await places.TryEnterAsync(partition, _id, limit, Lease, cancellationToken)
                    .ConfigureAwait(false))
                {
                    return false;
                }
            }
            catch (StoreException)
            {
                // This process's own limit holds; when the store is back the renewal counts the call.
            }

            using (ExecutionContext.SuppressFlow())
            {
                _renewal = time.CreateTimer(
                    static state => _ = ((Place)state!).RenewAsync(), this, Renewal, Renewal);
            }

            return true;
        }

        public async ValueTask DisposeAsync()
        {
            if (_renewal is { } renewal)
            {
                await renewal.DisposeAsync().ConfigureAwait(false);
            }

            try
            {
                await places.LeaveAsync(partition, _id, CancellationToken.None).ConfigureAwait(false);
            }
            catch (StoreException)
            {
                // It is free when its lease ends.
            }
        }

        private async Task RenewAsync()
        {
            try
            {
                await places.RenewAsync(partition, _id, Lease, CancellationToken.None).ConfigureAwait(false);
            }
            catch (StoreException)
            {
                // The next renewal may find the store again.
            }
        }
    }
}
