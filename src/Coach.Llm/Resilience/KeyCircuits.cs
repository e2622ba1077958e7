using System.Collections.Concurrent;
using Coach.Llm.Core;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;

namespace Coach.Llm.Resilience;

/// <summary>
/// The circuits of one provider and class of keys: one a key, so that a key that leaks, is slow or fails costs its
/// owner alone, and one over all of them, which opens only when most of several keys fail. What it then refuses are
/// the keys that have failed themselves, after one failure in place of <c>CircuitMinimumCalls</c>: a key without a
/// failure of its own is never refused for others'.
/// </summary>
/// <remarks>
/// A key that works costs a counter. It gets a circuit of Polly's with its first failure, and the calls that succeeded
/// before it are told to that circuit. A circuit that opens on one replica is told to all: the others refuse the same
/// keys for the same time, without failures of their own.
/// </remarks>
internal sealed class KeyCircuits
{
    /// <summary>The time over which a circuit counts.</summary>
    internal static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    /// <summary>How many keys must fail before anything is concluded about the provider.</summary>
    internal const int SeveralKeys = 3;

    private const int MaxKeys = 100_000;

    // No key's fingerprint: those are hexadecimal.
    private const string AllKeys = "*";

    private readonly ConcurrentDictionary<string, KeyCircuit> _keys = new(StringComparer.Ordinal);
    private readonly LlmRequestOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<Exception, bool> _isTrouble;
    private readonly Action<string, TimeSpan> _keyOpened;
    private readonly Action<TimeSpan> _opened;
    private readonly SharedCooldowns? _others;
    private readonly long _start;
    private long _openUntil;
    private long _nextSweep;

    /// <param name="options">When circuits open, and for how long.</param>
    /// <param name="time">The clock.</param>
    /// <param name="isTrouble">Whether a failure is the provider's trouble.</param>
    /// <param name="keyOpened">Told of a key's circuit that opens, by fingerprint.</param>
    /// <param name="opened">Told when the circuit over all keys opens.</param>
    /// <param name="others">What other replicas know to be open; null for none.</param>
    public KeyCircuits(
        LlmRequestOptions options, TimeProvider time, Func<Exception, bool> isTrouble,
        Action<string, TimeSpan> keyOpened, Action<TimeSpan> opened, SharedCooldowns? others = null)
    {
        (_options, _time, _isTrouble, _keyOpened, _opened) = (options, time, isTrouble, keyOpened, opened);
        _others = others is { IsShared: true } ? others : null;
        _start = time.GetTimestamp();
        _nextSweep = Window.Ticks;
    }

    /// <summary>Whether most of several keys fail, so that those that do are refused.</summary>
    public bool IsOpen => Now < Volatile.Read(ref _openUntil);

    /// <summary>Whether any key's own circuit is open.</summary>
    public bool IsAnyKeyOpen => _keys.Values.Any(key => key.IsOpen);

    private bool IsOff => _options.CircuitMinimumCalls == 0;

    private long Now => _time.GetElapsedTime(_start).Ticks;

    /// <summary>Whether calls with this key are refused now.</summary>
    public bool IsOpenFor(string fingerprint) =>
        _keys.TryGetValue(fingerprint, out KeyCircuit? key) && (key.IsOpen || IsRefusedForAll(key, Now));

    /// <summary>Runs a call with a key, unless a circuit refuses it.</summary>
    /// <param name="fingerprint">The key.</param>
    /// <param name="call">The call, with its retries.</param>
    /// <exception cref="BrokenCircuitException">A circuit is open.</exception>
    public async Task<T> RunAsync<T>(string fingerprint, Func<Task<T>> call)
    {
        if (IsOff)
        {
            return await call().ConfigureAwait(false);
        }

        long now = Now;
        Sweep(now);
        KeyCircuit? key = _keys.TryGetValue(fingerprint, out KeyCircuit? known) ? known : Add(fingerprint);
        if (key is null)
        {
            return await call().ConfigureAwait(false); // more keys than anybody has: the call alone decides
        }

        key.UsedAt = now;
        if (IsRefusedForAll(key, now))
        {
            throw new BrokenCircuitException(
                "Most keys fail.", TimeSpan.FromTicks(key.FailedAt + _options.CircuitBreak.Ticks - now));
        }

        await AskOthersAsync(fingerprint, key).ConfigureAwait(false);
        try
        {
            T result = await key.RunAsync(call, now, _isTrouble, () => Build(fingerprint)).ConfigureAwait(false);
            await SucceededAsync(fingerprint, key).ConfigureAwait(false);
            return result;
        }
        catch (Exception failure) when (_isTrouble(failure))
        {
            await FailedAsync(fingerprint, key).ConfigureAwait(false);
            throw;
        }
    }

    // A replica that opened a circuit tries again by itself when its time is over; it need not ask what it told.
    private async ValueTask AskOthersAsync(string fingerprint, KeyCircuit key)
    {
        if (_others is null || key.IsTold)
        {
            return;
        }

        IReadOnlyList<TimeSpan> left =
            await _others.LeftAsync([fingerprint, AllKeys], CancellationToken.None).ConfigureAwait(false);
        if (left.Count == 0)
        {
            return;
        }

        bool hasFailed = key.FailedAt != KeyCircuit.Never && Now - key.FailedAt < _options.CircuitBreak.Ticks;
        TimeSpan wait = hasFailed && left[1] > left[0] ? left[1] : left[0];
        if (wait > TimeSpan.Zero)
        {
            throw new BrokenCircuitException("Another replica's calls with this key fail.", wait);
        }
    }

    private bool IsRefusedForAll(KeyCircuit key, long now) =>
        now < Volatile.Read(ref _openUntil)
        && key.FailedAt != KeyCircuit.Never
        && now - key.FailedAt < _options.CircuitBreak.Ticks;

    private KeyCircuit? Add(string fingerprint) =>
        _keys.Count < MaxKeys ? _keys.GetOrAdd(fingerprint, _ => new KeyCircuit()) : null;

    private async ValueTask SucceededAsync(string fingerprint, KeyCircuit key)
    {
        if (key.FailedAt == KeyCircuit.Never)
        {
            return;
        }

        key.Recover();
        bool wasOpen = Interlocked.Exchange(ref _openUntil, 0) > 0;
        bool wasTold = key.IsTold;
        key.IsTold = false;
        if (_others is not null && wasTold)
        {
            await _others.ClearAsync(fingerprint).ConfigureAwait(false);
        }

        if (_others is not null && wasOpen)
        {
            await _others.ClearAsync(AllKeys).ConfigureAwait(false);
        }
    }

    private async ValueTask FailedAsync(string fingerprint, KeyCircuit key)
    {
        long now = Now;
        key.Fail(now);
        bool isOpening = now >= Volatile.Read(ref _openUntil) && MostKeysFail(now)
            && Interlocked.Exchange(ref _openUntil, now + _options.CircuitBreak.Ticks) <= now;
        if (isOpening)
        {
            _opened(_options.CircuitBreak);
        }

        if (_others is not null && key.IsOpen)
        {
            key.IsTold = true;
            await _others.SetAsync(fingerprint, _options.CircuitBreak).ConfigureAwait(false);
        }

        if (_others is not null && isOpening)
        {
            await _others.SetAsync(AllKeys, _options.CircuitBreak).ConfigureAwait(false);
        }
    }

    private bool MostKeysFail(long now)
    {
        int failing = 0, active = 0;
        long failures = 0;
        foreach ((_, KeyCircuit key) in _keys)
        {
            if (now - key.UsedAt >= Window.Ticks)
            {
                continue;
            }

            active++;
            if (key.FailedAt != KeyCircuit.Never && now - key.FailedAt < Window.Ticks)
            {
                failing++;
                failures += key.Failures;
            }
        }

        return failing >= SeveralKeys
            && failures >= _options.CircuitMinimumCalls
            && failing >= _options.CircuitFailureRatio * active;
    }

    // What was not used since its failures were forgotten and its circuit would close says nothing any more.
    private void Sweep(long now)
    {
        long due = Volatile.Read(ref _nextSweep);
        if (now < due || Interlocked.CompareExchange(ref _nextSweep, now + Window.Ticks, due) != due)
        {
            return;
        }

        long keep = Window.Ticks + _options.CircuitBreak.Ticks;
        foreach ((string fingerprint, KeyCircuit key) in _keys)
        {
            if (now - key.UsedAt > keep)
            {
                _keys.TryRemove(fingerprint, out _);
            }
        }
    }

    private PollyCircuit Build(string fingerprint)
    {
        var state = new CircuitBreakerStateProvider();
        ResiliencePipeline pipeline = new ResiliencePipelineBuilder { TimeProvider = _time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = _options.CircuitFailureRatio,
                MinimumThroughput = _options.CircuitMinimumCalls,
                SamplingDuration = Window,
                BreakDuration = _options.CircuitBreak,
                StateProvider = state,
                ShouldHandle = arguments => ValueTask.FromResult(
                    arguments.Outcome.Exception is { } failure && _isTrouble(failure)),
                OnOpened = arguments =>
                {
                    _keyOpened(fingerprint, arguments.BreakDuration);
                    return default;
                },
            })
            .Build();
        return new PollyCircuit(pipeline, state);
    }
}

/// <summary>A circuit of Polly's and the state it is in.</summary>
internal sealed record PollyCircuit(ResiliencePipeline Pipeline, CircuitBreakerStateProvider State);

/// <summary>What one key's calls came to lately.</summary>
internal sealed class KeyCircuit
{
    /// <summary>Not at any time.</summary>
    public const long Never = long.MinValue;

    // As many calls as a circuit may have to count before it opens.
    private const int MaxTold = 1000;

    private readonly Lock _gate = new();
    private volatile PollyCircuit? _circuit;
    private long _usedAt;
    private long _failedAt = Never;
    private long _countedSince;
    private int _successes;
    private int _failures;
    private bool _isTold;

    /// <summary>When a call began last.</summary>
    public long UsedAt { get => Volatile.Read(ref _usedAt); set => Volatile.Write(ref _usedAt, value); }

    /// <summary>When a call failed last without one that succeeded since; or <see cref="Never"/>.</summary>
    public long FailedAt => Volatile.Read(ref _failedAt);

    /// <summary>How many calls failed since the last one that succeeded.</summary>
    public int Failures => Volatile.Read(ref _failures);

    public bool IsOpen => _circuit?.State.CircuitState is CircuitState.Open or CircuitState.Isolated;

    /// <summary>Whether other replicas were told that it is open.</summary>
    public bool IsTold { get => Volatile.Read(ref _isTold); set => Volatile.Write(ref _isTold, value); }

    public void Fail(long now)
    {
        Interlocked.Increment(ref _failures);
        Volatile.Write(ref _failedAt, now);
    }

    public void Recover()
    {
        Volatile.Write(ref _failures, 0);
        Volatile.Write(ref _failedAt, Never);
    }

    /// <summary>Runs a call through the key's circuit, which it gets with its first failure.</summary>
    public async Task<T> RunAsync<T>(
        Func<Task<T>> call, long now, Func<Exception, bool> isTrouble, Func<PollyCircuit> build)
    {
        if (_circuit is { } circuit)
        {
            return await circuit.Pipeline.ExecuteAsync(
                static async (call, _) => await call().ConfigureAwait(false), call, CancellationToken.None)
                .ConfigureAwait(false);
        }

        try
        {
            T result = await call().ConfigureAwait(false);
            CountSuccess(now);
            return result;
        }
        catch (Exception failure) when (isTrouble(failure))
        {
            Tell(Circuit(now, build), failure);
            throw;
        }
    }

    private void CountSuccess(long now)
    {
        lock (_gate)
        {
            (_successes, _countedSince) = IsCounted(now) ? (_successes + 1, _countedSince) : (1, now);
        }
    }

    private bool IsCounted(long now) => _successes > 0 && now - _countedSince < KeyCircuits.Window.Ticks;

    // Calls that succeeded before the first failure belong to the share of failures.
    private PollyCircuit Circuit(long now, Func<PollyCircuit> build)
    {
        lock (_gate)
        {
            if (_circuit is { } known)
            {
                return known;
            }

            PollyCircuit circuit = build();
            for (int i = IsCounted(now) ? Math.Min(_successes, MaxTold) : 0; i > 0; i--)
            {
                Tell(circuit, failure: null);
            }

            _circuit = circuit;
            return circuit;
        }
    }

    private static void Tell(PollyCircuit circuit, Exception? failure)
    {
        try
        {
            circuit.Pipeline.Execute(static failure =>
            {
                if (failure is not null)
                {
                    throw failure;
                }
            }, failure);
        }
        catch (Exception thrown) when (thrown is BrokenCircuitException || ReferenceEquals(thrown, failure))
        {
            // It is told; or the circuit has opened meanwhile and knows.
        }
    }
}
