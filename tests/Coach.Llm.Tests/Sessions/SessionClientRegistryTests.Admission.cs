using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Llm.Sessions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests.Sessions;

/// <summary>Who is let in, who makes room, and when a session ends by itself.</summary>
public sealed partial class SessionClientRegistryTests
{
    [Fact]
    public async Task Sweep_SessionIdleForTheSlidingTime_DisposesItsClient()
    {
        SessionClientRegistry registry = Build(o => (o.SlidingExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1)));
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        _clock.Advance(TimeSpan.FromMinutes(9));
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.Equal(1, registry.SessionCount);
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, registry.SessionCount);
        Assert.Equal(1, Assert.Single(_made).Disposals);
    }

    [Fact]
    public async Task Sweep_LeaseOutForLongerThanTheSlidingTime_StartsTheTimeAtItsEnd()
    {
        SessionClientRegistry registry = Build(o => (o.SlidingExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1)));
        ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromHours(1));
        TestClient client = lease.Client;
        Assert.False(client.IsDisposed);
        lease.Dispose();
        _clock.Advance(TimeSpan.FromMinutes(9));
        Assert.False(client.IsDisposed);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(client.IsDisposed);
    }

    [Fact]
    public async Task Sweep_ClientOlderThanTheAbsoluteTime_IsReplacedHoweverOftenUsed()
    {
        SessionClientRegistry registry = Build(o =>
            (o.SlidingExpiration, o.AbsoluteExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromSeconds(1)));
        ClientLease<TestClient> held = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        TestClient first = held.Client;
        for (int minute = 0; minute < 60; minute++)
        {
            (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.False(first.IsDisposed);
        using ClientLease<TestClient> next = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        Assert.NotSame(first, next.Client);
        held.Dispose();
        Assert.Equal(1, first.Disposals);
    }

    [Fact]
    public async Task AcquireAsync_AllPlacesTaken_RejectsNewSessionsOnly()
    {
        SessionClientRegistry registry = Build(o => o.MaxSessions = 2);
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Carol, Key, Token).AsTask());
        Assert.Equal(LlmError.SessionLimit, refused.Error);
        Assert.Equal(ErrorCodes.SessionLimit, refused.Code);
        Assert.True(refused.IsTransient);
        Assert.Equal("No more sessions are admitted (all places are taken; Coach:Llm:Sessions:MaxSessions is 2). Try again when others have ended.", refused.Message);
        (await registry.AcquireAsync<TestClient>(Alice, OtherKey, Token)).Dispose();
        await registry.RemoveAsync(Bob, Token);
        (await registry.AcquireAsync<TestClient>(Carol, Key, Token)).Dispose();
        Assert.Equal(2, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_AllPlacesTakenAndEvictionAllowed_TakesTheLongestIdleThatIsNotInUse()
    {
        SessionClientRegistry registry = Build(o => (o.MaxSessions, o.WhenFull) = (3, SessionAdmission.EvictIdle));
        ClientLease<TestClient> alice = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(2));
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();
        _clock.Advance(TimeSpan.FromSeconds(2));
        (await registry.AcquireAsync<TestClient>(Carol, Key, Token)).Dispose();
        (await registry.AcquireAsync<TestClient>(SessionId.From("dave"), Key, Token)).Dispose();

        Assert.Equal(["bob"], _made.Where(client => client.IsDisposed).Select(client => client.Session.Value));
        Assert.Equal(3, registry.SessionCount);
        alice.Dispose();
    }

    [Fact]
    public async Task AcquireAsync_EvictionAllowedButAllInUse_Rejects()
    {
        SessionClientRegistry registry = Build(o => (o.MaxSessions, o.WhenFull) = (1, SessionAdmission.EvictIdle));
        using ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);

        Assert.Equal(LlmError.SessionLimit,
            (await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Bob, Key, Token).AsTask())).Error);
    }

    [Fact]
    public async Task AcquireAsync_MemoryIsShort_RejectsNewSessionsOnly()
    {
        SessionClientRegistry registry = Build();
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        _memory.IsHigh = true;

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Bob, Key, Token).AsTask());
        Assert.Contains("memory is short", refused.Message, StringComparison.Ordinal);
        (await registry.AcquireAsync<TestClient>(Alice, OtherKey, Token)).Dispose();
        _memory.IsHigh = false;
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task AcquireAsync_SameSessionGotInMeanwhile_IsNoRejectionAndNotCounted(bool isSame, int rejections)
    {
        SessionClientRegistry registry = Build();
        IMeterFactory factory = _hosts[^1].GetRequiredService<IMeterFactory>();
        long counted = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.llm.session_rejections" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => counted += value);
        listener.Start();
        ValueTask<ClientLease<TestClient>> other = default;
        _memory.WhenAsked = () =>
        {
            other = registry.AcquireAsync<TestClient>(isSame ? Alice : Bob, Key, Token);
            _memory.IsHigh = true;
        };
        Exception? failure = await Record.ExceptionAsync(async () => (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose());
        (await other).Dispose();

        Assert.Equal(isSame, failure is null);
        Assert.Equal(rejections, counted);
        Assert.Equal(1, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_MockHost_RefusesTheKey()
    {
        SessionClientRegistry registry = Build(mode: HostMode.Mock);
        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask());

        Assert.Equal(LlmError.RefusedInMock, refused.Error);
        Assert.Equal(ErrorCodes.MissingSecret, refused.Code);
        Assert.Empty(_made);
    }

    [Fact]
    public async Task AcquireAsync_WrongArguments_SayWhatIsWrong()
    {
        SessionClientRegistry registry = Build();
        await Assert.ThrowsAsync<ArgumentNullException>(() => registry.AcquireAsync<TestClient>(Alice, null!, Token).AsTask());
        Assert.Equal(LlmError.SessionRequired,
            (await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(default, Key, Token).AsTask())).Error);
        LlmException unknown = await Assert.ThrowsAsync<LlmException>(
            () => registry.AcquireAsync<TestClient>(Alice, LlmHost.Key("nobody", "k"), Token).AsTask());
        Assert.Equal("No TestClient is registered for provider 'nobody'. Known: second, test. Add others with AddProvider.", unknown.Message);
        Assert.Equal(0, registry.SessionCount);
    }
}
