namespace Coach.Abstractions.Tests.Shared;

public class SingleFlightTests
{
    private readonly SingleFlight<string, object> _flight = new(StringComparer.OrdinalIgnoreCase);

    [Fact]
    public async Task RunAsync_TwoCallers_ShareOneRunAndItsResult()
    {
        var work = new TaskCompletionSource<object>();
        int runs = 0;
        Task<object> first = _flight.RunAsync("a", _ => { runs++; return work.Task; }, CancellationToken.None);
        Task<object> second = _flight.RunAsync("A", _ => throw new InvalidOperationException(), CancellationToken.None);
        Assert.Equal(1, _flight.Count);

        object result = new();
        work.SetResult(result);

        Assert.Same(result, await first);
        Assert.Same(result, await second);
        Assert.Equal(1, runs);
        Assert.Equal(0, _flight.Count);
    }

    [Fact]
    public async Task RunAsync_AfterARun_RunsAfresh()
    {
        object first = await _flight.RunAsync("a", _ => Task.FromResult(new object()), CancellationToken.None);
        object second = await _flight.RunAsync("a", _ => Task.FromResult(new object()), CancellationToken.None);
        Assert.NotSame(first, second);
    }

    [Fact]
    public async Task RunAsync_AFailure_GoesToItsOwnCallersAndIsNotKept()
    {
        var work = new TaskCompletionSource<object>();
        Task<object> first = _flight.RunAsync("a", _ => work.Task, CancellationToken.None);
        Task<object> second = _flight.RunAsync("a", _ => work.Task, CancellationToken.None);
        work.SetException(new IOException("no"));

        Assert.Equal("no", (await Assert.ThrowsAsync<IOException>(() => first)).Message);
        Assert.Equal("no", (await Assert.ThrowsAsync<IOException>(() => second)).Message);
        Assert.NotNull(await _flight.RunAsync("a", _ => Task.FromResult(new object()), CancellationToken.None));
    }

    [Fact]
    public async Task RunAsync_WorkThatThrowsAtOnce_FailsLikeAnyOther()
    {
        await Assert.ThrowsAsync<IOException>(() => _flight.RunAsync("a", _ => throw new IOException(), CancellationToken.None));
        Assert.Equal(0, _flight.Count);
    }

    [Fact]
    public async Task RunAsync_OneOfTwoGivesUp_TheOtherIsServed()
    {
        var work = new TaskCompletionSource<object>();
        CancellationToken seen = default;
        using var impatient = new CancellationTokenSource();
        Task<object> first = _flight.RunAsync("a", abandoned => { seen = abandoned; return work.Task; }, impatient.Token);
        Task<object> second = _flight.RunAsync("a", _ => work.Task, CancellationToken.None);

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(seen.IsCancellationRequested);

        work.SetResult("done");
        Assert.Equal("done", await second);
    }

    [Fact]
    public async Task RunAsync_AllGiveUp_TheRunIsCancelledAndTheNextCallerStartsAnother()
    {
        var work = new TaskCompletionSource<object>();
        CancellationToken seen = default;
        using var impatient = new CancellationTokenSource();
        Task<object> first = _flight.RunAsync("a", abandoned => { seen = abandoned; return work.Task; }, impatient.Token);
        Task<object> second = _flight.RunAsync("a", _ => work.Task, impatient.Token);

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.True(seen.IsCancellationRequested);
        Assert.Equal(0, _flight.Count);

        var next = new TaskCompletionSource<object>();
        Task<object> third = _flight.RunAsync("a", _ => next.Task, CancellationToken.None);
        work.SetResult("late");
        next.SetResult("fresh");
        Assert.Equal("fresh", await third);
    }

    [Fact]
    public async Task RunAsync_LateEndOfAnAbandonedRun_LeavesTheNextOneInPlace()
    {
        var work = new TaskCompletionSource<object>();
        using var impatient = new CancellationTokenSource();
        Task<object> first = _flight.RunAsync("a", _ => work.Task, impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        var next = new TaskCompletionSource<object>();
        Task<object> second = _flight.RunAsync("a", _ => next.Task, CancellationToken.None);
        work.SetException(new IOException());
        Task<object> third = _flight.RunAsync("a", _ => throw new InvalidOperationException(), CancellationToken.None);
        next.SetResult("shared");

        Assert.Equal("shared", await second);
        Assert.Equal("shared", await third);
    }

    [Fact]
    public async Task RunAsync_ACallerWhoGaveUpBefore_StartsNothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _flight.RunAsync("a", _ => throw new InvalidOperationException(), new CancellationToken(canceled: true)));
        Assert.Equal(0, _flight.Count);
    }
}
