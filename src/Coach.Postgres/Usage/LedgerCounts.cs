using Coach.Usage;
using Npgsql;
using NpgsqlTypes;

namespace Coach.Postgres.Usage;

/// <summary>The ten counts as one array; null for none, as most entries of credits have.</summary>
internal static class LedgerCounts
{
    public static NpgsqlParameter Write(UsageCounts counts) => new()
    {
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint,
        Value = counts == default
            ? DBNull.Value
            : new[]
            {
                counts.Input, counts.CachedInput, counts.CacheWrite, counts.Output, counts.Reasoning,
                counts.AudioInput, counts.AudioOutput, counts.Images, counts.Embedding, counts.Requests,
            },
    };

    public static UsageCounts Read(long?[] counts) => new()
    {
        Input = counts[0] ?? 0,
        CachedInput = counts[1] ?? 0,
        CacheWrite = counts[2] ?? 0,
        Output = counts[3] ?? 0,
        Reasoning = counts[4] ?? 0,
        AudioInput = counts[5] ?? 0,
        AudioOutput = counts[6] ?? 0,
        Images = counts[7] ?? 0,
        Embedding = counts[8] ?? 0,
        Requests = counts[9] ?? 0,
    };
}
