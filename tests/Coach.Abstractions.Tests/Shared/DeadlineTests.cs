using Coach.Testing;

namespace Coach.Abstractions.Tests.Shared;

public class DeadlineTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly VirtualClock _clock = new();
    private readonly CancellationTokenSource _caller = new();
    private readonly CancellationTokenSource _other = new();

    [Fact]
    public void TheLimit_EndsTheWorkToTheTick()
    {
        using var deadline = new Deadline(Limit, _clock, _caller.Token);
        _clock.Advance(Limit - TimeSpan.FromTicks(TimeSpan.TicksPerMillisecond));
        Assert.False(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.HasPassed);
        Assert.Equal(TimeSpan.FromMilliseconds(1), deadline.Remaining);

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.True(deadline.HasPassed);
        Assert.Equal(TimeSpan.Zero, deadline.Remaining);
        _clock.Advance(Limit);
        Assert.Equal(TimeSpan.Zero, deadline.Remaining);
    }

    [Fact]
    public void TheCaller_EndsTheWorkAndIsNotTheLimit()
    {
        using var deadline = new Deadline(Limit, _clock, _caller.Token);
        _caller.Cancel();
        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.HasPassed);
    }

    [Fact]
    public void TheCallerAfterTheLimit_Wins()
    {
        using var deadline = new Deadline(Limit, _clock, _caller.Token);
        _clock.Advance(Limit);
        _caller.Cancel();
        Assert.False(deadline.HasPassed);
    }

    [Fact]
    public void SomethingElse_EndsTheWorkAndIsNotTheLimit()
    {
        using var deadline = new Deadline(Limit, _clock, _caller.Token, _other.Token);
        _other.Cancel();
        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.HasPassed);
    }

    [Fact]
    public void ACallerWhoGaveUpBefore_EndsTheWorkAtOnce()
    {
        using var deadline = new Deadline(Limit, _clock, new CancellationToken(canceled: true));
        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.HasPassed);
    }

    [Fact]
    public void Restart_BeginsANewLimit()
    {
        using var deadline = new Deadline(Limit, _clock);
        _clock.Advance(TimeSpan.FromSeconds(9));
        deadline.Restart(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(5), deadline.Limit);
        Assert.Equal(TimeSpan.FromSeconds(5), deadline.Remaining);
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.False(deadline.HasPassed);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(deadline.HasPassed);
    }

    [Fact]
    public void Lift_EndsTheLimitAndLeavesTheCaller()
    {
        using var deadline = new Deadline(Limit, _clock, _caller.Token);
        deadline.Lift();
        Assert.Equal(TimeSpan.MaxValue, deadline.Remaining);
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.False(deadline.Token.IsCancellationRequested);
        _caller.Cancel();
        Assert.True(deadline.Token.IsCancellationRequested);
    }

    [Fact]
    public void Lift_AfterTheLimit_IsTooLate()
    {
        using var deadline = new Deadline(Limit, _clock);
        _clock.Advance(Limit);
        deadline.Lift();
        Assert.True(deadline.HasPassed);
    }

    [Fact]
    public void NoLimit_CanBeGivenOneLater()
    {
        using var deadline = new Deadline(Timeout.InfiniteTimeSpan, _clock);
        _clock.Advance(TimeSpan.FromDays(100));
        Assert.False(deadline.HasPassed);
        deadline.Restart(Limit);
        _clock.Advance(Limit);
        Assert.True(deadline.HasPassed);
    }

    [Fact]
    public void Dispose_LeavesNoTimerAndNoRegistration()
    {
        var deadline = new Deadline(Limit, _clock, _caller.Token, _other.Token);
        CancellationToken token = deadline.Token;
        deadline.Dispose();
        Assert.Equal(0, _clock.PendingTimers);
        _caller.Cancel();
        Assert.False(token.IsCancellationRequested);
    }
}
