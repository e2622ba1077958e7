using Coach.Postgres.Connections;
using Microsoft.Extensions.Caching.Distributed;

namespace Coach.Postgres.Sessions;

/// <summary>A distributed cache in PostgreSQL, for hosts without Redis; lifetimes by the server's clock.</summary>
internal sealed class PostgresCache(PostgresDatabase database) : IDistributedCache
{
    private static readonly TimeSpan DefaultSliding = TimeSpan.FromMinutes(20);

    // Only an entry that slides is written to when it is read.
    private const string GetSql = $$"""
        WITH used AS (
          UPDATE {schema}.cache SET expires_at = least({{Sql.Now}} + sliding, coalesce(absolute_at, {{Sql.Now}} + sliding))
          WHERE key = $2 AND expires_at > {{Sql.Now}} AND sliding IS NOT NULL RETURNING value)
        SELECT value FROM used
        UNION ALL
        SELECT value FROM {schema}.cache WHERE key = $2 AND expires_at > {{Sql.Now}} AND sliding IS NULL
        """;

    private const string SetSql = $$"""
        INSERT INTO {schema}.cache (key, value, expires_at, sliding, absolute_at)
        SELECT $2, $3, least({{Sql.Now}} + coalesce($4::bigint, ends - {{Sql.Now}}),
          coalesce(ends, {{Sql.Now}} + $4::bigint)), $4::bigint, ends
        FROM (SELECT coalesce({{Sql.Now}} + $5::bigint, $6::bigint) AS ends) asked
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
          sliding = excluded.sliding, absolute_at = excluded.absolute_at
        """;

    public byte[]? Get(string key) => GetAsync(key).GetAwaiter().GetResult();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        List<byte[]> found = await database.QueryAsync(
            "read an entry", GetSql, [Sql.Bytes(key)], static row => row.GetFieldValue<byte[]>(0), token)
            .ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public void Refresh(string key) => RefreshAsync(key).GetAwaiter().GetResult();

    public Task RefreshAsync(string key, CancellationToken token = default) => GetAsync(key, token);

    public void Remove(string key) => RemoveAsync(key).GetAwaiter().GetResult();

    public async Task RemoveAsync(string key, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        await database.ExecuteAsync(
            "remove an entry", "DELETE FROM {schema}.cache WHERE key = $2",
            [Sql.Bytes(key)], token).ConfigureAwait(false);
    }

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) =>
        SetAsync(key, value, options).GetAwaiter().GetResult();

    public async Task SetAsync(
        string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(options);
        long? relative = options.AbsoluteExpirationRelativeToNow?.Ticks;
        long? absolute = options.AbsoluteExpiration?.UtcTicks;
        long? sliding = options.SlidingExpiration?.Ticks
            ?? (relative is null && absolute is null ? DefaultSliding.Ticks : null);
        await database.ExecuteAsync(
            "write an entry", SetSql, [Sql.Bytes(key), value, sliding, relative, absolute], token)
            .ConfigureAwait(false);
    }
}
