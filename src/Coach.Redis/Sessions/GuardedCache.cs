using Coach.Abstractions;
using Coach.Redis.Connections;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Options;

namespace Coach.Redis.Sessions;

/// <summary>Microsoft's cache over Redis on this process's connection, each call behind the guard.</summary>
internal sealed class GuardedCache(RedisConnection redis) : IDistributedCache, IDisposable
{
    private readonly RedisCache _cache = new(Options.Create(new RedisCacheOptions
    {
        ConnectionMultiplexerFactory = redis.ConnectAsync,
        InstanceName = redis.Keys.Cache,
    }));

    public byte[]? Get(string key) => GetAsync(key).GetAwaiter().GetResult();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default) =>
        await redis.Guard.CallAsync("read an entry", token => _cache.GetAsync(key, token), token)
            .ConfigureAwait(false);

    public void Refresh(string key) => RefreshAsync(key).GetAwaiter().GetResult();

    public async Task RefreshAsync(string key, CancellationToken token = default) =>
        await redis.Guard.CallAsync("renew an entry", token => _cache.RefreshAsync(key, token), token)
            .ConfigureAwait(false);

    public void Remove(string key) => RemoveAsync(key).GetAwaiter().GetResult();

    public async Task RemoveAsync(string key, CancellationToken token = default) =>
        await redis.Guard.CallAsync("remove an entry", token => _cache.RemoveAsync(key, token), token)
            .ConfigureAwait(false);

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) =>
        SetAsync(key, value, options).GetAwaiter().GetResult();

    public async Task SetAsync(
        string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        await redis.Guard.CallAsync("write an entry", token => _cache.SetAsync(key, value, options, token), token)
            .ConfigureAwait(false);

    public void Dispose() => _cache.Dispose();
}
