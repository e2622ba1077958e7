using Coach.Testing;

namespace Coach.Abstractions.Tests.Shared;

public class CachedProbeTests
{
    private readonly VirtualClock _clock = new();
    private readonly Queue<TaskCompletionSource<int>> _asked = new();
    private readonly CachedProbe<int> _probe;

    // An answer is believed for as many seconds as it says.
    public CachedProbeTests() => _probe = new CachedProbe<int>(
        () =>
        {
            var answer = new TaskCompletionSource<int>();
            _asked.Enqueue(answer);
            return answer.Task;
        },
        seconds => TimeSpan.FromSeconds(seconds), _clock);

    [Fact]
    public async Task GetAsync_ManyCallers_AskOnce()
    {
        Task<int> first = _probe.GetAsync(), second = _probe.GetAsync();
        Assert.Single(_asked);
        _asked.Dequeue().SetResult(5);
        Assert.Equal(5, await first);
        Assert.Equal(5, await second);
    }

    [Fact]
    public async Task GetAsync_AnAnswer_IsBelievedForItsLifetime()
    {
        await AnswerAsync(5);
        _clock.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.Equal(5, await _probe.GetAsync());
        Assert.Empty(_asked);

        _clock.Advance(TimeSpan.FromTicks(1));
        Task<int> next = _probe.GetAsync();
        _asked.Dequeue().SetResult(7);
        Assert.Equal(7, await next);
    }

    [Fact]
    public async Task GetAsync_AnAnswerWithoutLifetime_IsAskedForAgain()
    {
        await AnswerAsync(0);
        _ = _probe.GetAsync();
        Assert.Single(_asked);
    }

    [Fact]
    public async Task GetAsync_ACallerGivesUp_TheAnswerServesTheNext()
    {
        using var impatient = new CancellationTokenSource();
        Task<int> first = _probe.GetAsync(impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        _asked.Dequeue().SetResult(5);
        Assert.Equal(5, await _probe.GetAsync());
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task GetAsync_AFailure_IsNotRemembered()
    {
        Task<int> first = _probe.GetAsync();
        _asked.Dequeue().SetException(new IOException());
        await Assert.ThrowsAsync<IOException>(() => first);
        Assert.False(_probe.TryGetLast(out _, out _));
        await AnswerAsync(5);
    }

    [Fact]
    public async Task Set_AnAnswer_IsBelievedAsIfAsked()
    {
        _probe.Set(5);
        Assert.Equal(5, await _probe.GetAsync());
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.True(_probe.TryGetLast(out int last, out TimeSpan age));
        Assert.Equal((5, TimeSpan.FromSeconds(6)), (last, age));
        _ = _probe.GetAsync();
        Assert.Single(_asked);
    }

    [Fact]
    public async Task Forget_WhileAsking_DropsThatAnswerAndAsksAfresh()
    {
        Task<int> before = _probe.GetAsync();
        _probe.Forget();
        Task<int> after = _probe.GetAsync();
        Assert.Equal(2, _asked.Count);

        TaskCompletionSource<int> old = _asked.Dequeue();
        _asked.Dequeue().SetResult(8);
        old.SetResult(5);
        Assert.Equal(5, await before);
        Assert.Equal(8, await after);
        Assert.Equal(8, await _probe.GetAsync());
    }

    [Fact]
    public async Task Forget_ByCondition_DropsOnlyWhatMatches()
    {
        await AnswerAsync(5);
        _probe.Forget(value => value > 5);
        Assert.Equal(5, await _probe.GetAsync());
        _probe.Forget(value => value == 5);
        _ = _probe.GetAsync();
        Assert.Single(_asked);
    }

    private async Task AnswerAsync(int value)
    {
        Task<int> asked = _probe.GetAsync();
        _asked.Dequeue().SetResult(value);
        Assert.Equal(value, await asked);
    }
}
