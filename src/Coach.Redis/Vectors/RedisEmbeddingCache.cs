using System.Globalization;
using System.Runtime.InteropServices;
using Coach.Abstractions;
using Coach.Redis.Connections;
using StackExchange.Redis;

namespace Coach.Redis.Vectors;

/// <summary>Vectors in Redis, little-endian; reads and writes of one call travel together.</summary>
internal sealed class RedisEmbeddingCache(RedisConnection redis, CoachRedisOptions options) : IEmbeddingCache
{
    private const int MaxKeys = 1_000;

    public async ValueTask<IReadOnlyList<ReadOnlyMemory<float>?>> GetAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        RedisValue[] found = await redis.Guard.CallAsync(
            "read vectors",
            async _ =>
            {
                IDatabase database = await redis.DatabaseAsync().ConfigureAwait(false);
                return await Task.WhenAll(keys.Select(key => database.StringGetAsync(KeyOf(key))))
                    .ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return [.. found.Select(Read)];
    }

    public async ValueTask SetAsync(
        IReadOnlyList<KeyValuePair<EmbeddingCacheKey, ReadOnlyMemory<float>>> entries,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        CheckCount(entries.Count, nameof(entries));
        await redis.Guard.CallAsync(
            "keep vectors",
            async _ =>
            {
                IDatabase database = await redis.DatabaseAsync().ConfigureAwait(false);
                await Task.WhenAll(entries.Select(entry => database.StringSetAsync(
                    KeyOf(entry.Key), MemoryMarshal.AsBytes(entry.Value.Span).ToArray(), options.EmbeddingLifetime)))
                    .ConfigureAwait(false);
                await Task.WhenAll(entries.Select(entry => database.KeyDeleteAsync(ClaimOf(entry.Key))))
                    .ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<bool>> ClaimAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        return await redis.Guard.CallAsync(
            "claim vectors",
            async _ =>
            {
                IDatabase database = await redis.DatabaseAsync().ConfigureAwait(false);
                return await Task.WhenAll(keys.Select(
                    key => database.StringSetAsync(ClaimOf(key), 1, lease, When.NotExists))).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ReleaseAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        await redis.Guard.CallAsync(
            "give claims on vectors up",
            async _ =>
            {
                IDatabase database = await redis.DatabaseAsync().ConfigureAwait(false);
                await Task.WhenAll(keys.Select(key => database.KeyDeleteAsync(ClaimOf(key)))).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static void CheckCount(int count, string name)
    {
        if (count is < 1 or > MaxKeys)
        {
            throw new ArgumentOutOfRangeException(name, count, $"Give 1 to {MaxKeys}.");
        }
    }

    // What is no vector counts as none: a cache may be wrong, never deadly.
    private static ReadOnlyMemory<float>? Read(RedisValue value) =>
        (byte[]?)value is { Length: > 0 } bytes && bytes.Length % sizeof(float) == 0
            ? (ReadOnlyMemory<float>?)MemoryMarshal.Cast<byte, float>(bytes).ToArray()
            : null;

    private RedisKey KeyOf(EmbeddingCacheKey key) => redis.Keys.Vector(NameOf(key));

    private RedisKey ClaimOf(EmbeddingCacheKey key) => redis.Keys.VectorClaim(NameOf(key));

    private static string NameOf(EmbeddingCacheKey key) => string.Create(
        CultureInfo.InvariantCulture, $"{key.Model}\n{key.Dimensions}\n{(int)key.Task}\n{key.TextHash}");
}
