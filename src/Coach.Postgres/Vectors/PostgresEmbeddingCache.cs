using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Coach.Abstractions;
using Coach.Postgres.Connections;

namespace Coach.Postgres.Vectors;

/// <summary>Vectors in PostgreSQL, little-endian: a text is embedded once for all replicas.</summary>
internal sealed class PostgresEmbeddingCache(PostgresDatabase database) : IEmbeddingCache
{
    private const int MaxKeys = 1_000;

    public async ValueTask<IReadOnlyList<ReadOnlyMemory<float>?>> GetAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        byte[][] names = [.. keys.Select(Name)];
        List<(string Name, byte[] Vector)> found = await database.QueryAsync(
            "read vectors",
            "SELECT key, vector FROM {schema}.embedding WHERE key = ANY($2)",
            [names],
            static row => (Convert.ToHexString(row.GetFieldValue<byte[]>(0)), row.GetFieldValue<byte[]>(1)),
            cancellationToken).ConfigureAwait(false);
        var vectors = found.ToDictionary(row => row.Name, row => row.Vector, StringComparer.Ordinal);
        return
        [
            .. names.Select(name => vectors.TryGetValue(Convert.ToHexString(name), out byte[]? vector)
                ? (ReadOnlyMemory<float>?)MemoryMarshal.Cast<byte, float>(vector).ToArray()
                : null),
        ];
    }

    public async ValueTask SetAsync(
        IReadOnlyList<KeyValuePair<EmbeddingCacheKey, ReadOnlyMemory<float>>> entries,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        CheckCount(entries.Count, nameof(entries));

        // The last one of a key holds, and replicas lock rows in one order.
        var last = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach ((EmbeddingCacheKey key, ReadOnlyMemory<float> vector) in entries)
        {
            last[Convert.ToHexString(Name(key))] = MemoryMarshal.AsBytes(vector.Span).ToArray();
        }

        await database.ExecuteAsync(
            "keep vectors",
            $$"""
            WITH done AS (DELETE FROM {schema}.embedding_claim WHERE key = ANY($2))
            INSERT INTO {schema}.embedding (key, vector, created_at)
            SELECT key, vector, {{Sql.Now}} FROM unnest($2::bytea[], $3::bytea[]) AS given (key, vector)
            ON CONFLICT (key) DO UPDATE SET vector = excluded.vector, created_at = excluded.created_at
            """,
            [last.Keys.Select(Convert.FromHexString).ToArray(), last.Values.ToArray()], cancellationToken)
            .ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<bool>> ClaimAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        byte[][] names = [.. keys.Select(Name)];
        List<string> claimed = await database.QueryAsync(
            "claim vectors",
            $$"""
            INSERT INTO {schema}.embedding_claim AS c (key, until)
            SELECT key, {{Sql.Now}} + $3 FROM unnest($2::bytea[]) AS given (key) ORDER BY key
            ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE c.until <= {{Sql.Now}} RETURNING key
            """,
            [names.DistinctBy(Convert.ToHexString).ToArray(), lease.Ticks],
            static row => Convert.ToHexString(row.GetFieldValue<byte[]>(0)), cancellationToken).ConfigureAwait(false);
        HashSet<string> own = [.. claimed];
        return [.. names.Select(name => own.Remove(Convert.ToHexString(name)))];
    }

    public async ValueTask ReleaseAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        await database.ExecuteAsync(
            "give claims on vectors up", "DELETE FROM {schema}.embedding_claim WHERE key = ANY($2)",
            [keys.Select(Name).ToArray()], cancellationToken).ConfigureAwait(false);
    }

    private static void CheckCount(int count, string name)
    {
        if (count is < 1 or > MaxKeys)
        {
            throw new ArgumentOutOfRangeException(name, count, $"Give 1 to {MaxKeys}.");
        }
    }

    private static byte[] Name(EmbeddingCacheKey key) => SHA256.HashData(Sql.Bytes(string.Create(
        CultureInfo.InvariantCulture, $"{key.Model}\n{key.Dimensions}\n{(int)key.Task}\n{key.TextHash}")));
}
