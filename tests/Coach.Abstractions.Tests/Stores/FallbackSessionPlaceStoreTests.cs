using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class FallbackSessionPlaceStoreTests
{
    private readonly VirtualClock _clock = new();
    private readonly Shared _shared;
    private readonly FallbackSessionPlaceStore _store;

    public FallbackSessionPlaceStoreTests()
    {
        _shared = new Shared(new MemorySessionPlaceStore(_clock));
        _store = New();
    }

    [Fact]
    public async Task TryEnterAsync_TwoReplicas_ShareThePlaces_AndEachKnowsItsOwnWhileTheStoreIsAway()
    {
        FallbackSessionPlaceStore other = New();
        Assert.True(await EntersAsync(_store, "a"));
        Assert.True(await EntersAsync(other, "b"));
        Assert.False(await EntersAsync(_store, "c"));
        _shared.IsAway = true;

        // Two places a replica, of which each has granted one.
        Assert.True(await EntersAsync(_store, "c"));
        Assert.False(await EntersAsync(_store, "d"));
        Assert.True(await EntersAsync(other, "e"));
        Assert.False(await EntersAsync(other, "f"));
    }

    [Fact]
    public async Task TryEnterAsync_AnIdleSessionOfAnotherReplicaLeaves_AndIsTold()
    {
        FallbackSessionPlaceStore other = New();
        Assert.True(await EntersAsync(other, "a"));
        Assert.True(await EntersAsync(other, "b"));
        _clock.Advance(TimeSpan.FromMinutes(5));
        await other.UseAsync(SessionId.From("a"));
        SessionPlaceDecision decision = await _store.TryEnterAsync(Entry("c"));
        Assert.Equal(new SessionPlaceDecision(true, SessionId.From("b")), decision);
    }

    [Fact]
    public async Task UseAsync_IsToldTheStoreOnceInHalfAMinute_AndNeverFails()
    {
        for (int i = 0; i < 50; i++)
        {
            await _store.UseAsync(SessionId.From("a"));
        }

        Assert.Equal(1, _shared.Uses);
        _clock.Advance(TimeSpan.FromSeconds(30));
        _shared.IsAway = true;
        await _store.UseAsync(SessionId.From("a"));
        await _store.LeaveAsync(SessionId.From("a"));
        Assert.Equal(2, _shared.Uses);
    }

    private static async Task<bool> EntersAsync(ISessionPlaceStore store, string session) =>
        (await store.TryEnterAsync(Entry(session))).IsGranted;

    private static SessionPlaceEntry Entry(string session) => new(SessionId.From(session), session, session)
    {
        MaxSessions = 2,
        Share = 2,
        Idle = TimeSpan.FromMinutes(5),
        Lifetime = TimeSpan.FromMinutes(30),
    };

    private FallbackSessionPlaceStore New() => new(_shared, new MemorySessionPlaceStore(_clock), _clock);

    private sealed class Shared(ISessionPlaceStore inner) : ISessionPlaceStore
    {
        public bool IsAway { get; set; }

        public int Uses { get; private set; }

        public ValueTask<SessionPlaceDecision> TryEnterAsync(
            SessionPlaceEntry entry, CancellationToken cancellationToken = default) =>
            IsAway ? throw new StoreException("redis", "ask") : inner.TryEnterAsync(entry, cancellationToken);

        public ValueTask UseAsync(SessionId session, CancellationToken cancellationToken = default)
        {
            Uses++;
            return IsAway ? throw new StoreException("redis", "ask") : inner.UseAsync(session, cancellationToken);
        }

        public ValueTask LeaveAsync(SessionId session, CancellationToken cancellationToken = default) =>
            IsAway ? throw new StoreException("redis", "ask") : inner.LeaveAsync(session, cancellationToken);
    }
}
