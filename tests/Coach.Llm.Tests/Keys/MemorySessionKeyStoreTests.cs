using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class MemorySessionKeyStoreTests : IDisposable
{
    private static readonly SessionId Alice = SessionId.From("alice");
    private static readonly SessionId Bob = SessionId.From("bob");
    private static readonly ApiKey Key = LlmHost.Key("gemini", "key-1");
    private static readonly ApiKey OpenAI = LlmHost.Key("openai", "key-2");

    private readonly VirtualClock _clock = new();
    private readonly List<ServiceProvider> _hosts = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _hosts.ForEach(host => host.Dispose());

    [Fact]
    public async Task GetAsync_KeySet_ReturnsItToItsSessionOnly()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);

        Assert.Equal(Key, await store.GetAsync(Alice, "GEMINI", Token));
        Assert.Null(await store.GetAsync(Bob, "gemini", Token));
        Assert.Null(await store.GetAsync(Alice, "openai", Token));
        Assert.Equal(1, store.SessionCount);
    }

    [Fact]
    public async Task SetAsync_SecondKeyForTheProvider_ReplacesTheFirst()
    {
        ISessionKeyStore store = Build();
        ApiKey newer = LlmHost.Key("gemini", "key-9");
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Alice, newer, Token);

        Assert.Equal([newer], await store.ListAsync(Alice, Token));
    }

    [Fact]
    public async Task GetAsync_UnusedForTheSlidingTime_ReturnsNull()
    {
        ISessionKeyStore store = Build(o => o.SlidingExpiration = TimeSpan.FromMinutes(10));
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        Assert.NotEmpty(await store.ListAsync(Alice, Token));
        _clock.Advance(TimeSpan.FromTicks(1));

        Assert.Null(await store.GetAsync(Alice, "gemini", Token));
        Assert.Equal(0, store.SessionCount);
    }

    [Fact]
    public async Task GetAsync_UsedAllTheTime_StillEndsAtTheAbsoluteTime()
    {
        ISessionKeyStore store = Build(o => (o.SlidingExpiration, o.AbsoluteExpiration) = (TimeSpan.FromMinutes(10), TimeSpan.FromHours(1)));
        await store.SetAsync(Alice, Key, Token);
        for (int minute = 0; minute < 59; minute++)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
            Assert.True(await store.TouchAsync(Alice, Token));
        }

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await store.GetAsync(Alice, "gemini", Token));
        Assert.False(await store.TouchAsync(Alice, Token));
    }

    [Fact]
    public async Task GetAsync_WallClockJumps_ChangesNothing()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        _clock.JumpWallClock(TimeSpan.FromDays(3));
        Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
    }

    [Fact]
    public async Task Sweep_NobodyAsks_KeysLeaveMemoryAllTheSame()
    {
        ISessionKeyStore store = Build(o => (o.SlidingExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(5)));
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Bob, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(0, store.SessionCount);
    }

    [Fact]
    public async Task RemoveAsync_OneProviderOrAll_ForgetsExactlyThose()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, OpenAI, Token);
        await store.SetAsync(Alice, Key, Token);
        Assert.Equal([Key, OpenAI], await store.ListAsync(Alice, Token));

        Assert.True(await store.RemoveAsync(Alice, "openai", Token));
        Assert.False(await store.RemoveAsync(Alice, "openai", Token));
        Assert.Equal([Key], await store.ListAsync(Alice, Token));
        await store.RemoveAsync(Alice, Token);
        Assert.Empty(await store.ListAsync(Alice, Token));
        Assert.Equal(0, store.SessionCount);
        await store.SetAsync(Alice, Key, Token);
        Assert.Equal(1, store.SessionCount);
    }

    [Fact]
    public async Task SetAsync_AllPlacesTaken_RefusesTheNewSessionOnly()
    {
        ISessionKeyStore store = Build(o => o.MaxSessions = 1);
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Alice, OpenAI, Token);

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => store.SetAsync(Bob, Key, Token).AsTask());
        Assert.Equal(LlmError.SessionLimit, refused.Error);
        Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
    }

    [Fact]
    public async Task SetAsync_AllPlacesTakenAndEvictionAllowed_ForgetsTheLongestIdle()
    {
        ISessionKeyStore store = Build(o => (o.MaxSessions, o.WhenFull) = (2, SessionAdmission.EvictIdle));
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromTicks(1));
        await store.SetAsync(Bob, Key, Token);
        _clock.Advance(TimeSpan.FromTicks(1));
        await store.SetAsync(SessionId.From("carol"), Key, Token);

        Assert.Empty(await store.ListAsync(Alice, Token));
        Assert.NotEmpty(await store.ListAsync(Bob, Token));
        Assert.Equal(2, store.SessionCount);
    }

    [Fact]
    public async Task SetAsync_MoreKeysThanASessionMayHold_RefusesTheNext()
    {
        ISessionKeyStore store = Build(o => o.MaxKeysPerSession = 2);
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Alice, OpenAI, Token);
        await store.SetAsync(Alice, Key, Token);

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => store.SetAsync(Alice, LlmHost.Key("third", "k"), Token).AsTask());
        Assert.Equal("The session holds 2 keys, which is the most (Coach:Llm:Sessions:MaxKeysPerSession). Remove one first.", refused.Message);
    }

    [Fact]
    public async Task SetAsync_MockHostOrNoSession_IsRefused()
    {
        ISessionKeyStore mock = Build(mode: HostMode.Mock);
        Assert.Equal(LlmError.RefusedInMock, (await Assert.ThrowsAsync<LlmException>(() => mock.SetAsync(Alice, Key, Token).AsTask())).Error);
        Assert.Equal(LlmError.SessionRequired, (await Assert.ThrowsAsync<LlmException>(() => Build().SetAsync(default, Key, Token).AsTask())).Error);
    }

    private ISessionKeyStore Build(Action<LlmSessionOptions>? options = null, HostMode mode = HostMode.Auto)
    {
        ServiceProvider host = LlmHost.Build(clock: _clock, options: o => options?.Invoke(o.Sessions),
            configure: builder => builder.Services.Configure<CoachHostOptions>(o => o.Mode = mode));
        _hosts.Add(host);
        return host.GetRequiredService<ISessionKeyStore>();
    }
}
