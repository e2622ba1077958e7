using Coach.Abstractions;
using Coach.Redis.Connections;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Coach.Redis.Sessions;

/// <summary>Microsoft's cache over Redis on this process's connection, each call behind the guard.</summary>
internal sealed class GuardedCache(RedisConnection redis) : IDistributedCache
{
    // It keeps the connection that it was made with, and would close it.
    private volatile Pair? _current;

    public byte[]? Get(string key) => GetAsync(key).GetAwaiter().GetResult();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default) =>
        await redis.Guard.CallAsync(
            "read an entry",
            async token => await (await CacheAsync().ConfigureAwait(false)).GetAsync(key, token).ConfigureAwait(false),
            token).ConfigureAwait(false);

    public void Refresh(string key) => RefreshAsync(key).GetAwaiter().GetResult();

    public Task RefreshAsync(string key, CancellationToken token = default) =>
        CallAsync("renew an entry", (cache, token) => cache.RefreshAsync(key, token), token);

    public void Remove(string key) => RemoveAsync(key).GetAwaiter().GetResult();

    public Task RemoveAsync(string key, CancellationToken token = default) =>
        CallAsync("remove an entry", (cache, token) => cache.RemoveAsync(key, token), token);

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) =>
        SetAsync(key, value, options).GetAwaiter().GetResult();

    public Task SetAsync(
        string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        CallAsync("write an entry", (cache, token) => cache.SetAsync(key, value, options, token), token);

    private async Task CallAsync(
        string doing, Func<RedisCache, CancellationToken, Task> call, CancellationToken cancellationToken) =>
        await redis.Guard.CallAsync(
            doing,
            async token => await call(await CacheAsync().ConfigureAwait(false), token).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);

    private async Task<RedisCache> CacheAsync()
    {
        IConnectionMultiplexer connection = await redis.ConnectAsync().ConfigureAwait(false);
        if (_current is { } current && ReferenceEquals(current.Connection, connection))
        {
            return current.Cache;
        }

        // Not disposed of: the connection is not the cache's own.
        var cache = new RedisCache(Options.Create(new RedisCacheOptions
        {
            ConnectionMultiplexerFactory = () => Task.FromResult(connection),
            InstanceName = redis.Keys.Cache,
        }));
        _current = new Pair(connection, cache);
        return cache;
    }

    private sealed record Pair(IConnectionMultiplexer Connection, RedisCache Cache);
}
