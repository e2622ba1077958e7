namespace Coach.Testing.Tests;

public sealed class VirtualClockTests
{
    private readonly VirtualClock _clock = new();

    [Fact]
    public void Advance_SeveralTimers_FireInOrderOfTheirDueTimeWithTheClockThere()
    {
        var fired = new List<(string Name, TimeSpan At)>();
        DateTimeOffset start = _clock.GetUtcNow();
        foreach (
            (string name, int seconds) in (ReadOnlySpan<(string, int)>)[("late", 9), ("early", 2), ("middle", 5), ("early too", 2)])
        {
            _clock.CreateTimer(
                _ => fired.Add((name, _clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(seconds),
                Timeout.InfiniteTimeSpan);
        }

        _clock.Advance(TimeSpan.FromSeconds(9));

        Assert.Equal([("early", S(2)), ("early too", S(2)), ("middle", S(5)), ("late", S(9))], fired);
        Assert.Equal(0, _clock.PendingTimers);
    }

    [Fact]
    public void Advance_OneTickBeforeTheDueTime_DoesNotFire()
    {
        bool hasFired = false;
        _clock.CreateTimer(_ => hasFired = true, null, S(1), Timeout.InfiniteTimeSpan);
        _clock.Advance(S(1) - TimeSpan.FromTicks(1));
        Assert.False(hasFired);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.True(hasFired);
    }

    [Fact]
    public void Timer_Periodic_FiresEachPeriodUntilDisposed()
    {
        int count = 0;
        ITimer timer = _clock.CreateTimer(_ => count++, null, S(1), S(2));
        _clock.Advance(S(7));
        Assert.Equal(4, count);
        timer.Dispose();
        _clock.Advance(S(100));
        Assert.Equal(4, count);
        Assert.False(timer.Change(S(1), S(1)));
    }

    [Fact]
    public void Timer_Changed_ForgetsItsOldDueTime()
    {
        int count = 0;
        using ITimer timer = _clock.CreateTimer(_ => count++, null, S(1), Timeout.InfiniteTimeSpan);
        timer.Change(S(5), Timeout.InfiniteTimeSpan);
        Assert.Equal(1, _clock.PendingTimers);
        _clock.Advance(S(4));
        Assert.Equal(0, count);
        _clock.Advance(S(1));
        Assert.Equal(1, count);
    }

    [Fact]
    public void Timer_StartedByATimer_FiresInTheSameAdvance()
    {
        var at = new List<TimeSpan>();
        DateTimeOffset start = _clock.GetUtcNow();
        _clock.CreateTimer(
            _ => _clock.CreateTimer(_ => at.Add(_clock.GetUtcNow() - start), null, S(3), Timeout.InfiniteTimeSpan),
            null, S(1), Timeout.InfiniteTimeSpan);
        _clock.Advance(S(10));
        Assert.Equal([S(4)], at);
    }

    [Fact]
    public async Task RunUntilAsync_HoursOfSchedule_EndAtTheExactTime()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        Task work = Task.Run(async () =>
        {
            for (int i = 0; i < 12; i++)
            {
                await Task.Delay(TimeSpan.FromMinutes(10), _clock);
            }
        }, TestContext.Current.CancellationToken);
        await _clock.RunUntilAsync(work);
        Assert.Equal(TimeSpan.FromHours(2), _clock.GetUtcNow() - start);
    }

    [Fact]
    public async Task RunUntilAsync_BeyondItsLimit_Throws()
    {
        Task never = Task.Delay(TimeSpan.FromDays(2), _clock, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<TimeoutException>(() => _clock.RunUntilAsync(never));
    }

    [Fact]
    public void CancellationTokenSource_OnTheClock_CancelsWhenAdvanced()
    {
        using var limit = new CancellationTokenSource(S(30), _clock);
        _clock.Advance(S(29));
        Assert.False(limit.IsCancellationRequested);
        _clock.Advance(S(1));
        Assert.True(limit.IsCancellationRequested);
    }

    [Fact]
    public void JumpWallClock_MovesTheDateAndNothingElse()
    {
        long stamp = _clock.GetTimestamp();
        bool hasFired = false;
        _clock.CreateTimer(_ => hasFired = true, null, S(10), Timeout.InfiniteTimeSpan);
        _clock.JumpWallClock(TimeSpan.FromHours(-3));
        Assert.Equal(new DateTimeOffset(2025, 12, 31, 21, 0, 0, TimeSpan.Zero), _clock.GetUtcNow());
        Assert.Equal(stamp, _clock.GetTimestamp());
        Assert.False(hasFired);
    }

    [Fact]
    public void Advance_Negative_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(S(-1)));

    private static TimeSpan S(int seconds) => TimeSpan.FromSeconds(seconds);
}
