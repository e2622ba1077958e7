using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class MemoryRevokedSessionStoreTests
{
    public static TheoryData<string> Checks => [.. RevokedSessionStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        return RevokedSessionStoreContract.RunAsync(
            check,
            new MemoryRevokedSessionStore(clock),
            span =>
            {
                clock.Advance(span);
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task RevokeAsync_MoreThanFit_ForgetsTheFirst()
    {
        var clock = new VirtualClock();
        var store = new MemoryRevokedSessionStore(clock, maxSessions: 3);
        for (int i = 0; i < 5; i++)
        {
            await store.RevokeAsync(SessionId.From($"s{i}"), clock.GetUtcNow() + TimeSpan.FromHours(1));
        }

        Assert.Equal(3, store.Count);
        Assert.False(await store.IsRevokedAsync(SessionId.From("s1")));
        Assert.True(await store.IsRevokedAsync(SessionId.From("s2")));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.False(await store.IsRevokedAsync(SessionId.From("s4")));
    }

    [Fact]
    public async Task RevokeAsync_AnEarlierTime_DoesNotShortenAndThePastIsNotKept()
    {
        var clock = new VirtualClock();
        var store = new MemoryRevokedSessionStore(clock);
        SessionId session = SessionId.From("s");
        await store.RevokeAsync(session, clock.GetUtcNow() + TimeSpan.FromHours(2));
        await store.RevokeAsync(session, clock.GetUtcNow() + TimeSpan.FromHours(1));
        clock.Advance(TimeSpan.FromMinutes(90));
        Assert.True(await store.IsRevokedAsync(session));
        await store.RevokeAsync(SessionId.From("past"), clock.GetUtcNow() - TimeSpan.FromSeconds(1));
        Assert.Equal(1, store.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_000_001)]
    public void Constructor_OutOfRange_Throws(int maxSessions) => Assert.Throws<ArgumentOutOfRangeException>(
        () => new MemoryRevokedSessionStore(TimeProvider.System, maxSessions));
}
