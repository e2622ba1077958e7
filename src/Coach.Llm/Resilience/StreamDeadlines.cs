using System.Runtime.CompilerServices;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Resilience;

/// <summary>One attempt at a stream: a limit until its first update, which a server at work renews, then a limit on each silence.</summary>
internal sealed class StreamDeadlines : IAsyncDisposable
{
    private readonly CancellationTokenSource _cancel;
    private readonly ITimer _timer;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private readonly ResiliencePolicy _policy;
    private readonly CancellationToken _outer;
    private bool _isAtWork;
    private bool _hasBegun;
    private bool _isExpired;

    public StreamDeadlines(Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> open, ResiliencePolicy policy, CancellationToken outer)
    {
        _policy = policy;
        _outer = outer;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(outer);
        _timer = policy.Time.CreateTimer(static state => ((StreamDeadlines)state!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _updates = open(_cancel.Token).GetAsyncEnumerator(_cancel.Token);
    }

    public ChatResponseUpdate Current => _updates.Current;

    /// <summary>Goes on to the next update.</summary>
    /// <exception cref="LlmException">The limit passed, or the stream failed.</exception>
    public ValueTask<bool> MoveNextAsync()
    {
        while (true)
        {
            ValueTask<bool> next = _updates.MoveNextAsync();
            if (!next.IsCompletedSuccessfully || !_hasBegun)
            {
                return WaitAsync(next);
            }

            bool hasNext = next.Result; // what is there already needs no limit
            if (!hasNext || !KeepAlive.Is(_updates.Current))
            {
                return ValueTask.FromResult(hasNext);
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(ValueTask<bool> next)
    {
        (string option, TimeSpan limit) = Limit();
        _timer.Change(limit, Timeout.InfiniteTimeSpan);
        try
        {
            bool hasNext = await next.ConfigureAwait(false);
            while (hasNext && KeepAlive.Is(_updates.Current))
            {
                _isAtWork = true;
                (option, limit) = Limit();
                _timer.Change(limit, Timeout.InfiniteTimeSpan);
                hasNext = await _updates.MoveNextAsync().ConfigureAwait(false);
            }

            _hasBegun = true;
            return hasNext;
        }
        catch (OperationCanceledException) when (_isExpired && !_outer.IsCancellationRequested)
        {
            throw LlmException.TimedOut(_policy.Provider, option, limit);
        }
        finally
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _updates.DisposeAsync().ConfigureAwait(false);
        _cancel.Dispose();
    }

    private (string Option, TimeSpan Limit) Limit()
    {
        LlmRequestOptions options = _policy.Options;
        if (_hasBegun)
        {
            return ("Coach:Llm:Requests:IdleTimeout", options.IdleTimeout);
        }

        return _isAtWork || options.FirstTokenTimeout <= options.AttemptTimeout
            ? ("Coach:Llm:Requests:FirstTokenTimeout", options.FirstTokenTimeout)
            : ("Coach:Llm:Requests:AttemptTimeout", options.AttemptTimeout);
    }

    private void Expire()
    {
        _isExpired = true;
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The stream ended in the same moment.
        }
    }
}
