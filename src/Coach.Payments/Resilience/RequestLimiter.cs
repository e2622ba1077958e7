using Coach.Payments.Telemetry;

namespace Coach.Payments.Resilience;

/// <summary>
/// How many requests a second go to the provider: a token bucket in which requests wait in order. An operation that has
/// begun goes before one that has not, so that those which hold a claim end soon. The rate follows the provider
/// (additive increase, multiplicative decrease): a 429 lowers it, time without one raises it again.
/// </summary>
internal sealed class RequestLimiter(double? rate, TimeSpan maxQueueTime, TimeProvider time, PaymentTelemetry telemetry)
    : IDisposable
{
    // More than this many requests in one second are a burst of our own: a 429 that meets it passes when we slow down.
    private const int OwnBurst = 4;

    // While nothing is known of the provider's limit, so many at once are enough to learn it, and few enough that most
    // of a thousand orders wait here, in order, rather than be refused there.
    private const int MostAtOnce = 32;

    // The bucket holds a fifth of a second's requests: no second, wherever it begins, then sees many more than a
    // second's.
    private const double BucketSeconds = 0.2;
    private const double LeastRate = 1;
    private const double ShareOfAccepted = 0.8;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _begun = [];
    private readonly LinkedList<Waiter> _new = [];
    private readonly Queue<long> _sent = new();
    private readonly double _base = rate is > 0 and var given ? given : double.PositiveInfinity;
    private double _rate = rate is > 0 and var first ? first : double.PositiveInfinity;
    private double _tokens = rate is > 0 and var start ? Math.Max(1, start * BucketSeconds) : 0;
    private long _refilledAt = time.GetTimestamp();
    private long _changedAt = time.GetTimestamp();
    private long? _limitedAt;
    private ITimer? _timer;
    private int _atOnce;
    private int _accepted;
    private bool _isLearning;
    private long _acceptedSince = time.GetTimestamp();

    /// <summary>Whether a 429 of now comes of what this process sent.</summary>
    public bool IsOwnDoing
    {
        get
        {
            lock (_gate)
            {
                Forget(time.GetTimestamp());
                return _sent.Count >= OwnBurst
                    || (_limitedAt is { } at && time.GetElapsedTime(at) < Memory && !double.IsInfinity(_rate));
            }
        }
    }

    /// <summary>Whether requests wait now.</summary>
    public bool HasQueue
    {
        get
        {
            lock (_gate)
            {
                return _begun.Count + _new.Count > 0;
            }
        }
    }

    /// <summary>Lets a request through if it need not wait.</summary>
    /// <param name="hasBegun">Whether its operation has sent something already.</param>
    public bool TryEnter(bool hasBegun)
    {
        lock (_gate)
        {
            return TryEnter(hasBegun, time.GetTimestamp());
        }
    }

    /// <summary>Waits for a request's turn.</summary>
    /// <param name="hasBegun">Whether its operation has sent something already.</param>
    /// <param name="cancellationToken">Ends the wait; the place in the queue is given up.</param>
    /// <returns>Null when it is its turn; otherwise how long to stay away: the queue is too long.</returns>
    public ValueTask<TimeSpan?> EnterAsync(bool hasBegun, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (TryEnter(hasBegun, time.GetTimestamp()))
            {
                return ValueTask.FromResult<TimeSpan?>(null);
            }

            waiter = new Waiter(hasBegun ? _begun : _new);
            waiter.Place = waiter.Queue.AddLast(waiter);
            Schedule();
        }

        return WaitAsync(waiter, cancellationToken);
    }

    /// <summary>A request is over, or one that had its turn is not sent.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _atOnce--;
            if (double.IsInfinity(_rate) && _begun.Count + _new.Count > 0)
            {
                Serve(time.GetTimestamp());
            }
        }
    }

    /// <summary>The provider said 429.</summary>
    public void ReportLimited()
    {
        double now;
        lock (_gate)
        {
            long at = time.GetTimestamp();
            Forget(at);

            // Of one burst all get 429; it lowers the rate once.
            if (_limitedAt is { } last && time.GetElapsedTime(last, at) < Second && !double.IsInfinity(_rate))
            {
                return;
            }

            if (_sent.Count < OwnBurst && double.IsInfinity(_rate))
            {
                return; // somebody else's burst
            }

            _isLearning = double.IsInfinity(_rate);
            double known = _isLearning ? _accepted * ShareOfAccepted : _rate * 0.7;
            _rate = Math.Max(LeastRate, known);

            // A second without any: the provider's second, which is full, must pass first.
            _tokens = -_rate;
            _refilledAt = at;
            _limitedAt = at;
            _changedAt = at;
            now = _rate;
            Schedule();
        }

        telemetry.Logger.RateLowered(now);
    }

    /// <summary>The provider served a request.</summary>
    public void ReportServed()
    {
        if (!_isLearning && !double.IsInfinity(_rate))
        {
            return;
        }

        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (time.GetElapsedTime(_acceptedSince, now) >= Second)
            {
                (_acceptedSince, _accepted) = (now, 0);
                _isLearning = false;
            }

            _accepted++;
            if (_isLearning)
            {
                Raise(_accepted * ShareOfAccepted);
            }
        }
    }

    // Of the burst that met the limit, some answers come after the first 429: they tell how much the provider takes.
    private void Raise(double rate)
    {
        if (rate > _rate)
        {
            _tokens -= rate - _rate;
            _rate = rate;
            Schedule();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    private bool TryEnter(bool hasBegun, long now)
    {
        Refill(now);
        bool isFree = _begun.Count == 0 && (hasBegun || _new.Count == 0);
        bool isOpen = double.IsInfinity(_rate) ? _atOnce < MostAtOnce : _tokens >= 1;
        if (!isFree || !isOpen)
        {
            return false;
        }

        Take(now);
        return true;
    }

    private async ValueTask<TimeSpan?> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        using var limit = new Deadline(maxQueueTime, time, cancellationToken);
        try
        {
            await waiter.Turn.Task.WaitAsync(limit.Token).ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                if (waiter.Place is null)
                {
                    // Its turn came at the same moment: the request is as good as sent.
                    if (limit.HasPassed)
                    {
                        return null;
                    }

                    _atOnce--;
                    _tokens = Math.Min(_tokens + 1, Capacity);
                    Schedule();
                }
                else
                {
                    waiter.Queue.Remove(waiter.Place);
                    waiter.Place = null;
                }

                cancellationToken.ThrowIfCancellationRequested();
                double wait = (_begun.Count + _new.Count) / (double.IsInfinity(_rate) ? OwnBurst : _rate);
                return TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(wait), 1, 3600));
            }
        }
    }

    private double Capacity => Math.Max(1, _rate * BucketSeconds);

    private void Take(long now)
    {
        if (!double.IsInfinity(_rate))
        {
            _tokens--;
        }

        _atOnce++;
        _sent.Enqueue(now);
        Forget(now);
    }

    private void Forget(long now)
    {
        while (_sent.TryPeek(out long at) && (time.GetElapsedTime(at, now) >= Second || _sent.Count > 64))
        {
            _sent.Dequeue();
        }
    }

    private void Refill(long now)
    {
        if (double.IsInfinity(_rate))
        {
            return;
        }

        double seconds = time.GetElapsedTime(_refilledAt, now).TotalSeconds;
        _tokens = Math.Min(_tokens + (seconds * _rate), Capacity);
        _refilledAt = now;
        if (_rate < _base && time.GetElapsedTime(_changedAt, now) >= Recovery)
        {
            _rate = double.IsInfinity(_base) ? _rate * 1.25 : Math.Min(_base, _rate + (_base * 0.05));
            _changedAt = now;

            // Nothing was said for long: as many as come, as before.
            if (double.IsInfinity(_base) && _limitedAt is { } at && time.GetElapsedTime(at, now) >= Memory * 5)
            {
                _rate = double.PositiveInfinity;
            }
        }
    }

    private void Schedule()
    {
        // Without a rate, whoever ends lets the next one in.
        if (_begun.Count + _new.Count == 0 || double.IsInfinity(_rate))
        {
            return;
        }

        double seconds = Math.Max(0, (1 - _tokens) / _rate);
        TimeSpan wait = TimeSpan.FromMilliseconds(Math.Ceiling(seconds * 1000));
        _timer ??= time.CreateTimer(
            static state => ((RequestLimiter)state!).Serve(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Serve()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            Refill(now);
            Serve(now);
        }
    }

    private void Serve(long now)
    {
        while (double.IsInfinity(_rate) ? _atOnce < MostAtOnce : _tokens >= 1)
        {
            LinkedList<Waiter> queue = _begun.Count > 0 ? _begun : _new;
            if (queue.First is not { } first)
            {
                return;
            }

            queue.RemoveFirst();
            first.Value.Place = null;
            Take(now);
            first.Value.Turn.TrySetResult();
        }

        Schedule();
    }

    private sealed class Waiter(LinkedList<Waiter> queue)
    {
        public LinkedList<Waiter> Queue { get; } = queue;

        public LinkedListNode<Waiter>? Place { get; set; }

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>The turn that an operation got before it began: its first request needs no other.</summary>
internal sealed class RequestTurn(RequestLimiter limiter) : IDisposable
{
    private int _isUsed;

    public bool TryUse() => Interlocked.Exchange(ref _isUsed, 1) == 0;

    /// <summary>Gives a turn back that no request used.</summary>
    public void Dispose()
    {
        if (TryUse())
        {
            limiter.Leave();
        }
    }
}
