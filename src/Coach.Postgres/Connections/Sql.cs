using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Coach.Postgres.Connections;

/// <summary>How values are written and moments are told.</summary>
internal static class Sql
{
    /// <summary>
    /// The server's clock in UTC ticks, the same through one statement; parameter 1 is how far it is ahead. Replicas
    /// whose clocks differ agree on it.
    /// </summary>
    public const string Now =
        "((extract(epoch FROM statement_timestamp()) * 10000000)::bigint + 621355968000000000 + $1)";

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static byte[]? BytesOrNull(string? text) => text is null ? null : Bytes(text);

    /// <summary>A parameter that may be null, and has its type then too.</summary>
    public static NpgsqlParameter BytesParameter(string? text) =>
        new() { NpgsqlDbType = NpgsqlDbType.Bytea, Value = (object?)BytesOrNull(text) ?? DBNull.Value };

    /// <summary>A parameter that may be null, and has its type then too.</summary>
    public static NpgsqlParameter LongParameter(long? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)value ?? DBNull.Value };

    public static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    public static DateTimeOffset Moment(long ticks) => new(ticks, TimeSpan.Zero);
}
