using System.Security.Cryptography;
using Coach.Sqlite.Storage;
using Coach.Usage;
using Microsoft.Data.Sqlite;

namespace Coach.Sqlite;

/// <summary>The audit log in a SQLite file.</summary>
public sealed class SqliteAuditLog : IAuditLog
{
    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>Makes the log.</summary>
    /// <param name="database">The file.</param>
    /// <param name="time">The clock of its entries.</param>
    public SqliteAuditLog(SqliteDatabase database, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(time);
        (_database, _time) = (database, time);
    }

    /// <inheritdoc />
    public async ValueTask<AuditEntry> AppendAsync(
        AuditEvent auditEvent, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(auditEvent);
        return await _database.WriteAsync(
            session => Append(session, auditEvent), "keep an event of the audit log", cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<AuditEntry>> ReadAsync(
        long after = 0, int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 100_000);
        return ValueTask.FromResult(_database.Read<IReadOnlyList<AuditEntry>>(
            session => session.Query(
                "SELECT sequence, at, kind, subject, name, detail, micros, reference, hash FROM audit_entries "
                + "WHERE sequence > $0 ORDER BY sequence LIMIT $1",
                ReadEntry, after, (long)limit),
            "read the audit log"));
    }

    /// <inheritdoc />
    public ValueTask<long?> VerifyAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(_database.Read(
            session =>
            {
                session.Execute("BEGIN");
                try
                {
                    return AuditChain.Verify(
                        session.Stream(
                            "SELECT sequence, at, kind, subject, name, detail, micros, reference, hash "
                            + "FROM audit_entries ORDER BY sequence",
                            ReadEntry),
                        1, "", Head(session));
                }
                finally
                {
                    session.Execute("COMMIT");
                }
            },
            "verify the audit log"));

    private AuditEntry Append(SqliteSession session, AuditEvent auditEvent)
    {
        long head = Head(session);
        string hash = (string?)session.Scalar("SELECT hash FROM audit_entries WHERE sequence = $0", head) ?? "";
        AuditEntry entry = AuditChain.Next(auditEvent, head + 1, hash, _time.GetUtcNow(), SubjectKey(session));
        session.Execute(
            "INSERT INTO audit_entries (sequence, at, kind, subject, name, detail, micros, reference, hash) "
            + "VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8)",
            entry.Sequence, entry.At.ToUnixTimeMilliseconds(), (long)entry.Kind, entry.Subject, entry.Name,
            entry.Detail, entry.Micros, entry.Reference, entry.Hash);
        Put(session, "audit_head", entry.Sequence);
        return entry;
    }

    // Kept apart from the entries: who cuts the end of the log off is found out.
    private static long Head(SqliteSession session) =>
        (long?)session.Scalar("SELECT value FROM meta WHERE name = 'audit_head'") ?? 0;

    private static byte[] SubjectKey(SqliteSession session)
    {
        if (session.Scalar("SELECT value FROM meta WHERE name = 'audit_subject_key'") is byte[] known)
        {
            return known;
        }

        byte[] key = RandomNumberGenerator.GetBytes(32);
        Put(session, "audit_subject_key", key);
        return key;
    }

    private static void Put(SqliteSession session, string name, object value) => session.Execute(
        "INSERT INTO meta (name, value) VALUES ($0, $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name, value);

    private static AuditEntry ReadEntry(SqliteDataReader row) => new(
        row.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)), (AuditEventKind)row.GetInt64(2),
        row.GetString(3), row.GetString(4), row.GetString(5), row.GetInt64(6), row.GetString(7), row.GetString(8));
}
