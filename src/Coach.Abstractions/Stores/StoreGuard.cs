using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Coach.Abstractions;

/// <summary>
/// Stands before a store that replicas share: each call ends in time, a store that fails again and again is left alone
/// for a while (circuit breaker), and its health row, the gauge <c>coach.store.available</c> and one log line say so.
/// </summary>
/// <remarks>
/// What a feature does then is its <see cref="StoreFailurePolicy"/>; the guard throws <see cref="StoreException"/> and
/// decides nothing. Safe for concurrent use.
/// </remarks>
public sealed partial class StoreGuard : IComponentHealth, IDisposable
{
    private readonly StoreLimits _limits;
    private readonly Func<CancellationToken, Task> _probe;
    private readonly Func<Exception, string?>? _explain;
    private readonly TimeProvider _time;
    private readonly ILogger<StoreGuard> _logger;
    private readonly MeterSource _meter;
    private readonly Lock _gate = new();
    private int _failures;
    private long _brokenAt;
    private bool _isBroken;
    private bool _isTrying;
    private volatile string? _reason;

    /// <summary>Guards a store.</summary>
    /// <param name="store">Its name from a closed set, in snake case, such as <c>redis</c>.</param>
    /// <param name="limits">Time limit and circuit.</param>
    /// <param name="probe">The cheapest question that it answers; asked by the health row, through the guard.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is said, once, that the store is away, and that it is back.</param>
    /// <param name="meters">The host's meters; null outside of hosts.</param>
    /// <param name="explain">
    /// Says in a sentence's part what a failure of the client means, for whoever runs the host: no key, no user text,
    /// no password; null where it does not know.
    /// </param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of its range.</exception>
    public StoreGuard(
        string store, StoreLimits limits, Func<CancellationToken, Task> probe, TimeProvider time,
        ILogger<StoreGuard> logger, IMeterFactory? meters = null, Func<Exception, string?>? explain = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(store);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(probe);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(logger);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limits.TimeLimit, TimeSpan.Zero, nameof(limits));
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.FailuresBeforeBreak, 1, nameof(limits));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limits.BreakDuration, TimeSpan.Zero, nameof(limits));
        Name = store;
        (_limits, _probe, _time, _logger, _explain) = (limits, probe, time, logger, explain);
        _meter = new MeterSource("Coach.Abstractions", meters);
        _meter.Meter.CreateObservableGauge(
            "coach.store.available",
            () => new Measurement<int>(IsAvailable ? 1 : 0, new KeyValuePair<string, object?>("store", Name)),
            description: "Whether the store that replicas share answered when it was last asked: 1 or 0.");
    }

    /// <summary>The store's name, which is also the name of its health row.</summary>
    public string Name { get; }

    /// <summary>Whether the last call that ended was answered; true before the first.</summary>
    public bool IsAvailable => Volatile.Read(ref _failures) == 0;

    /// <summary>Why the last call that ended failed, as far as that is known; null when it was answered.</summary>
    public string? Reason => IsAvailable ? null : _reason;

    /// <summary>Asks the store.</summary>
    /// <typeparam name="T">What it answers.</typeparam>
    /// <param name="doing">What is asked of it, such as <c>decide a rate limit</c>; no key, no user text.</param>
    /// <param name="call">Asks. Its token ends with the caller's, and with the time limit.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="StoreException">It failed, was too slow, or is left alone for now.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async ValueTask<T> CallAsync<T>(
        string doing, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        cancellationToken.ThrowIfCancellationRequested();
        bool isTry = Enter(doing);
        try
        {
            T answer = await AskAsync(call, cancellationToken).ConfigureAwait(false);
            Succeeded();
            return answer;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (CoachException exception) when (exception is not StoreException)
        {
            Succeeded(); // an answer that the caller did not want, such as "there is no room"
            throw;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Failed(exception);
            throw new StoreException(Name, doing, exception);
        }
        finally
        {
            Leave(isTry);
        }
    }

    /// <summary>Asks the store for something that has no answer.</summary>
    /// <param name="doing">What is asked of it.</param>
    /// <param name="call">Asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when it is done.</returns>
    /// <exception cref="StoreException">It failed, was too slow, or is left alone for now.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async ValueTask CallAsync(
        string doing, Func<CancellationToken, Task> call, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        await CallAsync(
            doing,
            async token =>
            {
                await call(token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await CallAsync("say that it is there", _probe, cancellationToken).ConfigureAwait(false);
            return new ComponentReport(ComponentState.Healthy, $"the store '{Name}' answers");
        }
        catch (StoreException)
        {
            string why = Reason is { } reason ? $": {reason}" : "";
            return new ComponentReport(ComponentState.Degraded, $"the store '{Name}' does not answer{why}");
        }
    }

    /// <summary>Ends the gauge.</summary>
    public void Dispose() => _meter.Dispose();

    private async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_limits.TimeLimit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        Task<T> asked = call(both.Token);
        try
        {
            // Not every client heeds its token, and one that does may first wait for the server to heed it.
            return asked.IsCompleted
                ? await asked.ConfigureAwait(false)
                : await asked.WaitAsync(both.Token).ConfigureAwait(false);
        }
        finally
        {
            if (!asked.IsCompletedSuccessfully)
            {
                _ = asked.ContinueWith(
                    static late => late.Exception, CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
            }
        }
    }

    // Whether this call is the one that tries a store that is left alone.
    private bool Enter(string doing)
    {
        if (!Volatile.Read(ref _isBroken))
        {
            return false;
        }

        lock (_gate)
        {
            if (!_isBroken)
            {
                return false;
            }

            if (_isTrying || _time.GetElapsedTime(_brokenAt) < _limits.BreakDuration)
            {
                throw new StoreException(Name, doing);
            }

            _isTrying = true;
            return true;
        }
    }

    private void Leave(bool isTry)
    {
        if (isTry)
        {
            lock (_gate)
            {
                _isTrying = false;
            }
        }
    }

    private void Succeeded()
    {
        if (Volatile.Read(ref _failures) == 0)
        {
            return;
        }

        bool wasBroken;
        lock (_gate)
        {
            wasBroken = _isBroken;
            (_failures, _isBroken) = (0, false);
        }

        if (wasBroken)
        {
            StoreBack(_logger, Name);
        }
    }

    private void Failed(Exception exception)
    {
        bool isNew;
        _reason = exception is OperationCanceledException
            ? string.Create(
                CultureInfo.InvariantCulture, $"no answer within {_limits.TimeLimit.TotalMilliseconds:0} ms")
            : _explain?.Invoke(exception);
        lock (_gate)
        {
            _failures = Math.Min(_failures + 1, int.MaxValue - 1);
            if (_failures < _limits.FailuresBeforeBreak)
            {
                return;
            }

            isNew = !_isBroken;
            _isBroken = true;
            _brokenAt = _time.GetTimestamp();
        }

        if (isNew)
        {
            StoreAway(_logger, Name, _reason ?? exception.GetType().Name);
        }
    }

    [LoggerMessage(
        1000, LogLevel.Error,
        "The store {Store} does not answer ({Error}); what depends on it falls back or is refused until it does")]
    private static partial void StoreAway(ILogger logger, string store, string error);

    [LoggerMessage(1001, LogLevel.Information, "The store {Store} answers again")]
    private static partial void StoreBack(ILogger logger, string store);
}
