using System.Diagnostics.CodeAnalysis;

namespace Coach;

/// <summary>
/// A question with a remembered answer: asked by one caller at a time, however many want to know, and believed for as long as the answer
/// says. A caller that gives up leaves the asking alone, because its answer serves the next one.
/// </summary>
/// <param name="ask">Asks; bounded in time by itself. Runs on the caller's thread until it first waits.</param>
/// <param name="lifetime">How long an answer is believed; zero or less: not at all.</param>
/// <param name="time">The clock; its monotonic time counts.</param>
internal sealed class CachedProbe<T>(Func<Task<T>> ask, Func<T, TimeSpan> lifetime, TimeProvider time)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource<T>? _running;
    private Answer? _answer;
    private long _version;

    /// <summary>The answer that is believed now, or the one that is being waited for.</summary>
    public Task<T> GetAsync(CancellationToken cancellationToken = default)
    {
        TaskCompletionSource<T>? started = null;
        Task<T> outcome;
        long version;
        lock (_gate)
        {
            if (_answer is { } known && time.GetElapsedTime(known.At) < known.Lifetime)
            {
                return known.Task;
            }

            _running ??= started = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            outcome = _running.Task;
            version = _version;
        }

        if (started is not null)
        {
            _ = AskAsync(started, version);
        }

        return outcome.WaitAsync(cancellationToken);
    }

    /// <summary>The answer that is remembered, believed or not, and its age.</summary>
    public bool TryGetLast([MaybeNullWhen(false)] out T value, out TimeSpan age)
    {
        Answer? last = Volatile.Read(ref _answer);
        value = last is null ? default : last.Value;
        age = last is null ? TimeSpan.Zero : time.GetElapsedTime(last.At);
        return last is not null;
    }

    /// <summary>Remembers what was learnt in another way, as if it had been asked now.</summary>
    public void Set(T value)
    {
        var answer = new Answer(value, time.GetTimestamp(), lifetime(value));
        lock (_gate)
        {
            _answer = answer;
        }
    }

    /// <summary>Forgets the answer, and the one that is on its way: the next caller asks afresh.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _answer = null;
            _running = null;
            _version++;
        }
    }

    /// <summary>Forgets a remembered answer of this kind; one that is on its way is kept when it comes.</summary>
    public void Forget(Func<T, bool> condition)
    {
        lock (_gate)
        {
            if (_answer is { } known && condition(known.Value))
            {
                _answer = null;
            }
        }
    }

    private async Task AskAsync(TaskCompletionSource<T> source, long version)
    {
        try
        {
            T value = await ask().ConfigureAwait(false);
            var answer = new Answer(value, time.GetTimestamp(), lifetime(value));
            End(source, version, answer);
            source.TrySetResult(value);
        }
        catch (Exception failure) // handed to everybody who waits
        {
            End(source, version, answer: null);
            source.TrySetException(failure);
            _ = source.Task.Exception; // observed, even if every caller has left
        }
    }

    private void End(TaskCompletionSource<T> source, long version, Answer? answer)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_running, source))
            {
                _running = null;
            }

            if (version == _version && answer is not null)
            {
                _answer = answer;
            }
        }
    }

    private sealed class Answer(T value, long at, TimeSpan lifetime)
    {
        public T Value { get; } = value;

        public long At { get; } = at;

        public TimeSpan Lifetime { get; } = lifetime;

        public Task<T> Task { get; } = System.Threading.Tasks.Task.FromResult(value);
    }
}
