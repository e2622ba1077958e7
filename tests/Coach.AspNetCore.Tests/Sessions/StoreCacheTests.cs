using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Testing;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class StoreCacheTests
{
    private readonly VirtualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_OfACacheThatFails_IsAStoreThatIsAway()
    {
        var cache = new AwayCache(Task.FromException<byte[]?>(new TimeoutException("redis://secret")));
        StoreException away = await Assert.ThrowsAsync<StoreException>(
            () => new StoreCache(cache, _clock).GetAsync("key", Token));
        Assert.Equal(ErrorCodes.StoreUnavailable, away.Code);
        Assert.DoesNotContain("secret", away.Message, StringComparison.Ordinal);
        ComponentReport report = await new SessionStoreHealth(cache, _clock).CheckAsync(Token);
        Assert.Equal(ComponentState.Unhealthy, report.State);
    }

    [Fact]
    public async Task Call_ThatHangs_EndsAtItsLimit()
    {
        var hangs = new TaskCompletionSource<byte[]?>();
        Task<byte[]?> call = new StoreCache(new AwayCache(hangs.Task), _clock).GetAsync("key", Token);
        _clock.Advance(StoreCache.Limit);
        await Assert.ThrowsAsync<StoreException>(() => call);
    }

    [Fact]
    public async Task Call_WhoseCallerLeft_IsCancelled()
    {
        using var left = new CancellationTokenSource();
        var hangs = new TaskCompletionSource<byte[]?>();
        Task<byte[]?> call = new StoreCache(new AwayCache(hangs.Task), _clock).GetAsync("key", left.Token);
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task Health_OfACacheThatAnswers_IsHealthy()
    {
        var cache = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()));
        ComponentReport report = await new SessionStoreHealth(cache, _clock).CheckAsync(Token);
        Assert.Equal(ComponentState.Healthy, report.State);
    }

    private sealed class AwayCache(Task<byte[]?> answer) : IDistributedCache
    {
        public byte[]? Get(string key) => throw new NotSupportedException();

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => answer;

        public void Refresh(string key) => throw new NotSupportedException();

        public Task RefreshAsync(string key, CancellationToken token = default) => answer;

        public void Remove(string key) => throw new NotSupportedException();

        public Task RemoveAsync(string key, CancellationToken token = default) => answer;

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) =>
            throw new NotSupportedException();

        public Task SetAsync(
            string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) => answer;
    }
}
