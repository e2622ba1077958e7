using System.Runtime.CompilerServices;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Resilience;

/// <summary>
/// One attempt at a stream: a limit until its first update, which a server at work renews, then a limit on each
/// silence. With the first sign of work the call's own limit gives way to that of a stream.
/// </summary>
internal sealed class StreamDeadlines : IAsyncDisposable
{
    private readonly Deadline _deadline;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private readonly ResiliencePolicy _policy;
    private readonly Deadline _budget;
    private bool _isReasoning;
    private bool _isAtWork;
    private bool _hasBegun;

    public StreamDeadlines(
        Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> open, ResiliencePolicy policy,
        Deadline budget, bool isReasoning)
    {
        (_policy, _budget, _isReasoning) = (policy, budget, isReasoning);
        _deadline = new Deadline(Timeout.InfiniteTimeSpan, policy.Time, budget.Token);
        _updates = open(_deadline.Token).GetAsyncEnumerator(_deadline.Token);
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
                Note(hasNext);
                return ValueTask.FromResult(hasNext);
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(ValueTask<bool> next)
    {
        (string option, TimeSpan limit) = Limit();
        _deadline.Restart(limit);
        try
        {
            bool hasNext = await next.ConfigureAwait(false);
            while (hasNext && KeepAlive.Is(_updates.Current))
            {
                ShowWork();
                (option, limit) = Limit();
                _deadline.Restart(limit);
                hasNext = await _updates.MoveNextAsync().ConfigureAwait(false);
            }

            ShowWork();
            _hasBegun = true;
            Note(hasNext);
            return hasNext;
        }
        catch (OperationCanceledException) when (_deadline.HasPassed)
        {
            throw LlmException.TimedOut(_policy.Provider, option, limit);
        }
        finally
        {
            _deadline.Lift();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _updates.DisposeAsync().ConfigureAwait(false);
        _deadline.Dispose();
    }

    private (string Option, TimeSpan Limit) Limit()
    {
        LlmRequestOptions options = _policy.Options;
        if (_isReasoning)
        {
            return ("Coach:Llm:Requests:ReasoningTimeout", options.ReasoningTimeout);
        }

        if (_hasBegun)
        {
            return ("Coach:Llm:Requests:IdleTimeout", options.IdleTimeout);
        }

        return _isAtWork || options.FirstTokenTimeout <= options.AttemptTimeout
            ? ("Coach:Llm:Requests:FirstTokenTimeout", options.FirstTokenTimeout)
            : ("Coach:Llm:Requests:AttemptTimeout", options.AttemptTimeout);
    }

    private void ShowWork()
    {
        if (!_isAtWork)
        {
            _isAtWork = true;
            _budget.Restart(_policy.Options.StreamTimeout);
        }
    }

    // After a thought more thinking may follow, of which some providers show nothing.
    private void Note(bool hasNext)
    {
        if (hasNext && _updates.Current.Contents is { Count: > 0 } contents)
        {
            _isReasoning = contents[^1] is TextReasoningContent;
        }
    }
}
