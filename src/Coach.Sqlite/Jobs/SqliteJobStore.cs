using Coach.Sqlite.Storage;
using Microsoft.Data.Sqlite;

namespace Coach.Sqlite;

/// <summary>Jobs in a SQLite file.</summary>
public sealed class SqliteJobStore : IJobStore
{
    private const int MaxSize = 16 * 1024 * 1024;
    private const int MaxName = 64;

    private const string Columns =
        "id, queue, caller, created, state, attempts, started, ended, error, payload, result, token, lease";

    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>Makes the store.</summary>
    /// <param name="database">The file.</param>
    /// <param name="time">The clock of leases.</param>
    public SqliteJobStore(SqliteDatabase database, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(time);
        (_database, _time) = (database, time);
    }

    /// <inheritdoc />
    public Task<Job> EnqueueAsync(Job job, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        bool isId = job.Id is { Length: >= 1 and <= MaxName }
            && job.Id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
        if (!isId || job.Queue is not { Length: >= 1 and <= MaxName } || string.IsNullOrEmpty(job.CallerKey)
            || job.Payload.Length > MaxSize)
        {
            throw new ArgumentException(
                "A job has an id of 1 to 64 characters from A-Z, a-z, 0-9, '-' and '_', a queue, a caller, and at most 16 MiB.",
                nameof(job));
        }

        return _database.WriteAsync(
            session =>
            {
                session.Execute(
                    "INSERT INTO jobs (id, queue, caller, created, state, attempts, token, lease, payload, result) "
                    + "VALUES ($0, $1, $2, $3, 0, 0, 0, 0, $4, $5) ON CONFLICT DO NOTHING",
                    job.Id, job.Queue, job.CallerKey, job.CreatedAt.UtcTicks, job.Payload.ToArray(),
                    Array.Empty<byte>());
                return Find(session, job.Id)!.Job;
            },
            "enqueue a job", cancellationToken);
    }

    /// <inheritdoc />
    public async Task<JobLease?> TakeAsync(
        string queue, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(queue);
        CheckLease(lease);
        long now = _time.GetUtcNow().UtcTicks;

        // Looked at without the disk first: an idle worker costs no write.
        bool waits = _database.Read(session => Next(session, queue, now) is not null, "look for a job");
        return !waits ? null : await _database.WriteAsync(
            session =>
            {
                if (Next(session, queue, now) is not { } id)
                {
                    return null;
                }

                session.Execute(
                    "UPDATE jobs SET state = 1, attempts = attempts + 1, token = token + 1, started = $1, lease = $2 "
                    + "WHERE id = $0",
                    id, now, now + lease.Ticks);
                return Find(session, id)!.Lease();
            },
            "take a job", cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task<JobLease?> RenewAsync(JobLease held, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        CheckLease(lease);
        return _database.WriteAsync(
            session => session.Execute(
                "UPDATE jobs SET lease = $2 WHERE id = $0 AND token = $1 AND state = 1", held.Job.Id, held.Token,
                _time.GetUtcNow().UtcTicks + lease.Ticks) > 0
                ? Find(session, held.Job.Id)!.Lease()
                : null,
            "renew a job", cancellationToken);
    }

    /// <inheritdoc />
    public Task<bool> CompleteAsync(
        JobLease held, ReadOnlyMemory<byte> result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(result.Length, MaxSize, nameof(result));
        return _database.WriteAsync(
            session => session.Execute(
                "UPDATE jobs SET state = 2, ended = $2, result = $3 WHERE id = $0 AND token = $1 AND state = 1",
                held.Job.Id, held.Token, _time.GetUtcNow().UtcTicks, result.ToArray()) > 0,
            "end a job", cancellationToken);
    }

    /// <inheritdoc />
    public Task<bool> FailAsync(
        JobLease held, string errorCode, bool again, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        ArgumentNullException.ThrowIfNull(errorCode);
        return _database.WriteAsync(
            session => again
                ? session.Execute(
                    "UPDATE jobs SET state = 0 WHERE id = $0 AND token = $1 AND state = 1", held.Job.Id, held.Token) > 0
                : session.Execute(
                    "UPDATE jobs SET state = 3, ended = $2, error = $3 WHERE id = $0 AND token = $1 AND state = 1",
                    held.Job.Id, held.Token, _time.GetUtcNow().UtcTicks, errorCode) > 0,
            "fail a job", cancellationToken);
    }

    /// <inheritdoc />
    public Task<bool> CancelAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _database.WriteAsync(
            session => session.Execute(
                "UPDATE jobs SET state = 4, ended = $1 WHERE id = $0 AND state < 2", id,
                _time.GetUtcNow().UtcTicks) > 0,
            "cancel a job", cancellationToken);
    }

    /// <inheritdoc />
    public Task<Job?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return Task.FromResult(_database.Read(session => Find(session, id)?.Job, "read a job"));
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<Job>> ListAsync(
        string callerKey, DateTimeOffset? before, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callerKey);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 500);
        return Task.FromResult(_database.Read<IReadOnlyList<Job>>(
            session => session.Query(
                "SELECT id, queue, caller, created, state, attempts, started, ended, error, x'', x'', token, lease "
                + "FROM jobs WHERE caller = $0 AND ($1 IS NULL OR created < $1) ORDER BY created DESC LIMIT $2",
                row => ReadJob(row).Job, callerKey, before?.UtcTicks, (long)limit),
            "list jobs"));
    }

    /// <inheritdoc />
    public Task<int> EraseAsync(string callerKey, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callerKey);
        return _database.WriteAsync(
            session => session.Execute("DELETE FROM jobs WHERE caller = $0", callerKey), "erase jobs",
            cancellationToken);
    }

    /// <inheritdoc />
    public Task<int> PruneAsync(DateTimeOffset endedBefore, CancellationToken cancellationToken = default) =>
        _database.WriteAsync(
            session => session.Execute("DELETE FROM jobs WHERE ended < $0", endedBefore.UtcTicks), "remove ended jobs",
            cancellationToken);

    private static void CheckLease(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, TimeSpan.FromDays(1));
    }

    private static string? Next(SqliteSession session, string queue, long now) => (string?)session.Scalar(
        "SELECT id FROM jobs WHERE queue = $0 AND state < 2 AND (state = 0 OR lease <= $1) ORDER BY created, rowid LIMIT 1",
        queue, now);

    private static StoredJob? Find(SqliteSession session, string id) =>
        session.First($"SELECT {Columns} FROM jobs WHERE id = $0", ReadJob, id);

    private static StoredJob ReadJob(SqliteDataReader row) => new(
        new Job
        {
            Id = row.GetString(0),
            Queue = row.GetString(1),
            CallerKey = row.GetString(2),
            CreatedAt = At(row.GetInt64(3)),
            State = (JobState)row.GetInt64(4),
            Attempts = (int)row.GetInt64(5),
            StartedAt = row.IsDBNull(6) ? null : At(row.GetInt64(6)),
            EndedAt = row.IsDBNull(7) ? null : At(row.GetInt64(7)),
            ErrorCode = row.IsDBNull(8) ? null : row.GetString(8),
            Payload = row.GetFieldValue<byte[]>(9),
            Result = row.GetFieldValue<byte[]>(10),
        },
        row.GetInt64(11), At(row.GetInt64(12)));

    private static DateTimeOffset At(long ticks) => new(ticks, TimeSpan.Zero);

    private sealed record StoredJob(Job Job, long Token, DateTimeOffset LeaseEnds)
    {
        public JobLease Lease() => new(Job, Token, LeaseEnds);
    }
}
