using System.Security.Cryptography;
using Coach.Postgres.Connections;
using Coach.Usage;
using Npgsql;

namespace Coach.Postgres.Usage;

/// <summary>The audit log in PostgreSQL, one chain for all replicas, written under the lock of its head.</summary>
internal sealed class PostgresAuditLog(PostgresDatabase database) : IAuditLog
{
    private const int PageSize = 2_000;

    private const string Columns = "sequence, at_ms, kind, subject, name, detail, micros, reference, hash";

    private const string LockSql =
        $"SELECT sequence, hash, subject_key, ({Sql.Now} - 621355968000000000) / 10000 "
        + "FROM {schema}.audit_head FOR UPDATE";

    public async ValueTask<AuditEntry> AppendAsync(
        AuditEvent auditEvent, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(auditEvent);
        AuditChain.Next(auditEvent, 1, "", DateTimeOffset.UnixEpoch, []); // what is out of range costs no connection
        return await database.CallInTurnAsync(
            "keep an event of the audit log",
            (connection, token) => AppendAsync(connection, auditEvent, token), cancellationToken)
            .ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<AuditEntry>> ReadAsync(
        long after = 0, int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 100_000);
        return await PageAsync(after, long.MaxValue, limit, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<long?> VerifyAsync(CancellationToken cancellationToken = default)
    {
        List<(long Sequence, string Hash)> heads = await database.QueryAsync(
            "read the audit log's head", "SELECT sequence, hash FROM {schema}.audit_head", [],
            static row => (row.GetInt64(0), row.GetString(1)), cancellationToken).ConfigureAwait(false);
        (long head, string headHash) = heads.Count == 0 ? (0, "") : heads[0];
        long last = 0;
        string hash = "";
        while (true)
        {
            List<AuditEntry> page = await PageAsync(last, head, PageSize, cancellationToken).ConfigureAwait(false);
            bool isLast = page.Count < PageSize;
            if (AuditChain.Verify(page, last + 1, hash, isLast ? head : last + page.Count) is { } wrong)
            {
                return wrong;
            }

            (last, hash) = page.Count == 0 ? (last, hash) : (page[^1].Sequence, page[^1].Hash);
            if (isLast)
            {
                return hash == headHash ? null : head;
            }
        }
    }

    private async Task<AuditEntry> AppendAsync(
        NpgsqlConnection connection, AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        while (true)
        {
            NpgsqlTransaction open = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using (open.ConfigureAwait(false))
            {
                List<Head> heads = await database.ReadAsync(
                    connection, LockSql, [],
                    static row => new Head(
                        row.GetInt64(0), row.GetString(1), row.GetFieldValue<byte[]>(2),
                        DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3))),
                    cancellationToken).ConfigureAwait(false);
                if (heads.Count > 0)
                {
                    Head head = heads[0];
                    AuditEntry entry =
                        AuditChain.Next(auditEvent, head.Sequence + 1, head.Hash, head.Now, head.SubjectKey);
                    await WriteAsync(connection, entry, cancellationToken).ConfigureAwait(false);
                    await open.CommitAsync(cancellationToken).ConfigureAwait(false);
                    return entry;
                }
            }

            await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(NpgsqlConnection connection, AuditEntry entry, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = database.Command(
            connection,
            $$"""
            WITH kept AS (
              INSERT INTO {schema}.audit_entry ({{Columns}}) VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10))
            UPDATE {schema}.audit_head SET sequence = $2, hash = $10
            """,
            [
                entry.Sequence, entry.At.ToUnixTimeMilliseconds(), (short)entry.Kind, entry.Subject,
                Sql.Bytes(entry.Name), Sql.Bytes(entry.Detail), entry.Micros, Sql.Bytes(entry.Reference), entry.Hash,
            ]);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task BeginAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = database.Command(
            connection,
            "INSERT INTO {schema}.audit_head (sequence, hash, subject_key) VALUES (0, '', $2) ON CONFLICT DO NOTHING",
            [RandomNumberGenerator.GetBytes(32)]);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private ValueTask<List<AuditEntry>> PageAsync(
        long after, long until, int limit, CancellationToken cancellationToken) => database.QueryAsync(
        "read the audit log",
        $"SELECT {Columns} FROM {{schema}}.audit_entry WHERE sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4",
        [after, until, limit], ReadEntry, cancellationToken);

    private static AuditEntry ReadEntry(NpgsqlDataReader row) => new(
        row.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)), (AuditEventKind)row.GetInt16(2),
        row.GetString(3), Sql.Text(row.GetFieldValue<byte[]>(4)), Sql.Text(row.GetFieldValue<byte[]>(5)),
        row.GetInt64(6), Sql.Text(row.GetFieldValue<byte[]>(7)), row.GetString(8));

    private sealed record Head(long Sequence, string Hash, byte[] SubjectKey, DateTimeOffset Now);
}
