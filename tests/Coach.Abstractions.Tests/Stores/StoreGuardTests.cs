using System.Diagnostics.Metrics;
using Coach.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Abstractions.Tests;

public sealed class StoreGuardTests
{
    private readonly VirtualClock _clock = new();
    private readonly FakeLogCollector _logs = TestLogs.New();

    [Fact]
    public async Task CallAsync_AStoreThatAnswers_GivesItsAnswer()
    {
        using StoreGuard guard = Create();
        Assert.Equal(7, await guard.CallAsync("count", _ => Task.FromResult(7)));
        Assert.True(guard.IsAvailable);
        Assert.Equal(ComponentState.Healthy, (await guard.CheckAsync()).State);
    }

    [Fact]
    public async Task CallAsync_AStoreThatHangs_EndsAtTheLimit_WhateverItsClientDoes()
    {
        using StoreGuard guard = Create();
        var never = new TaskCompletionSource<int>();
        CancellationToken seen = default;
        Task<int> call = guard.CallAsync("count", token => { seen = token; return never.Task; }).AsTask();
        _clock.Advance(TimeSpan.FromMilliseconds(249));
        Assert.False(call.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        StoreException failure = await Assert.ThrowsAsync<StoreException>(() => call);
        Assert.Equal("db", failure.Store);
        Assert.True(failure.IsTransient);
        Assert.True(seen.IsCancellationRequested);
        Assert.False(guard.IsAvailable);
    }

    [Fact]
    public async Task CallAsync_AfterFailuresInARow_IsRefusedAtOnce_ThenOneTries()
    {
        using StoreGuard guard = Create();
        int asked = 0;
        Task<int> Fail(CancellationToken token)
        {
            asked++;
            throw new InvalidOperationException("away");
        }

        for (int i = 0; i < 10; i++)
        {
            await Assert.ThrowsAsync<StoreException>(() => guard.CallAsync("count", Fail).AsTask());
        }

        Assert.Equal(3, asked);
        Assert.Single(_logs.GetSnapshot(), entry => entry.Level == LogLevel.Error);

        _clock.Advance(TimeSpan.FromSeconds(1));
        var slow = new TaskCompletionSource<int>();
        Task<int> trying = guard.CallAsync("count", _ => slow.Task).AsTask();
        await Assert.ThrowsAsync<StoreException>(() => guard.CallAsync("count", Fail).AsTask());
        Assert.Equal(3, asked);
        slow.SetResult(1);
        Assert.Equal(1, await trying);
        Assert.True(guard.IsAvailable);
        Assert.Equal(2, await guard.CallAsync("count", _ => Task.FromResult(2)));
        Assert.Single(_logs.GetSnapshot(), entry => entry.Level == LogLevel.Information);
    }

    [Fact]
    public async Task CallAsync_ATryThatItsCallerCancels_LetsTheNextOneTry()
    {
        using StoreGuard guard = Create();
        await BreakAsync(guard);
        _clock.Advance(TimeSpan.FromSeconds(1));
        using var stop = new CancellationTokenSource();
        Task<int> trying = guard.CallAsync("count", _ => new TaskCompletionSource<int>().Task, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trying);
        Assert.Equal(1, await guard.CallAsync("count", _ => Task.FromResult(1)));
    }

    [Fact]
    public async Task CallAsync_ARefusalOfTheStores_IsAnAnswer()
    {
        using StoreGuard guard = Create();
        for (int i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<FullException>(
                () => guard.CallAsync<int>("count", _ => throw new FullException()).AsTask());
        }

        Assert.True(guard.IsAvailable);
    }

    [Fact]
    public async Task CheckAsync_AStoreThatIsAway_IsDegraded_AndNamesNothingElse()
    {
        using StoreGuard guard = Create(_ => throw new InvalidOperationException("host=secret"));
        Assert.Equal(
            new ComponentReport(ComponentState.Degraded, "the store 'db' does not answer"), await guard.CheckAsync());
    }

    [Fact]
    public async Task Gauge_FollowsTheStore()
    {
        using StoreGuard guard = Create();
        var seen = new List<(int Value, object? Store)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "coach.store.available")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) =>
        {
            if (tags[0].Value is "db")
            {
                seen.Add((value, tags[0].Value));
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        await BreakAsync(guard);
        listener.RecordObservableInstruments();
        Assert.Equal([(1, "db"), (0, "db")], seen);
    }

    [Fact]
    public async Task Reason_IsWhatTheClientsFailureMeans_AndGoneWhenTheStoreAnswers()
    {
        using var guard = new StoreGuard(
            "db", new StoreLimits(TimeSpan.FromMilliseconds(250), 3, TimeSpan.FromSeconds(1)),
            _ => Task.CompletedTask, _clock, _logs.Factory().CreateLogger<StoreGuard>(),
            explain: failure => failure is TimeoutException ? "it is full" : null);
        Assert.Null(guard.Reason);
        await BreakAsync(guard);
        Assert.Equal("it is full", guard.Reason);
        Assert.Equal("the store 'db' does not answer: it is full", (await guard.CheckAsync()).Description);
        Assert.Contains("does not answer (it is full)", Assert.Single(_logs.Messages()), StringComparison.Ordinal);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ComponentState.Healthy, (await guard.CheckAsync()).State);
        Assert.Null(guard.Reason);
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 0)]
    public void Constructor_LimitOutOfRange_IsRefused(int limit, int failures, int pause) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new StoreGuard(
            "db", new StoreLimits(TimeSpan.FromSeconds(limit), failures, TimeSpan.FromSeconds(pause)),
            _ => Task.CompletedTask, _clock, _logs.Factory().CreateLogger<StoreGuard>()));

    private static async Task BreakAsync(StoreGuard guard)
    {
        for (int i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<StoreException>(
                () => guard.CallAsync("count", _ => Task.FromException(new TimeoutException())).AsTask());
        }
    }

    private StoreGuard Create(Func<CancellationToken, Task>? probe = null) => new(
        "db", new StoreLimits(TimeSpan.FromMilliseconds(250), 3, TimeSpan.FromSeconds(1)),
        probe ?? (_ => Task.CompletedTask), _clock, _logs.Factory().CreateLogger<StoreGuard>());

    private sealed class FullException() : CoachException(ErrorCodes.StoreUnavailable, "It is full. Make room.")
    {
        public override bool IsTransient => false;
    }
}
