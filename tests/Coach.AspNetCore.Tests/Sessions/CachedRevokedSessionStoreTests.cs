using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Testing;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Internal;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class CachedRevokedSessionStoreTests
{
    private readonly VirtualClock _clock = new();
    private readonly MemoryDistributedCache _cache;

    public CachedRevokedSessionStoreTests() =>
        _cache = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions { Clock = new CacheClock(_clock) }));

    public static TheoryData<string> Checks => [.. RevokedSessionStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check) => RevokedSessionStoreContract.RunAsync(
        check,
        new CachedRevokedSessionStore(_cache, _clock),
        span =>
        {
            _clock.Advance(span);
            return Task.CompletedTask;
        },
        TestContext.Current.CancellationToken);

    [Fact]
    public async Task IsRevokedAsync_AMarkOfVersion010_Stands()
    {
        await _cache.SetAsync("coach:ended:old", [1]);
        Assert.True(await new CachedRevokedSessionStore(_cache, _clock).IsRevokedAsync(SessionId.From("old")));
    }

    private sealed class CacheClock(VirtualClock clock) : ISystemClock
    {
        public DateTimeOffset UtcNow => clock.GetUtcNow();
    }
}
