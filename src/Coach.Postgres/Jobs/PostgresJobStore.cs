using Coach.Abstractions;
using Coach.Postgres.Connections;
using Npgsql;

namespace Coach.Postgres.Jobs;

/// <summary>Queues of jobs in PostgreSQL: <c>SKIP LOCKED</c> gives each job to one worker, the token fences late
/// ones.</summary>
internal sealed class PostgresJobStore(PostgresDatabase database) : IJobStore
{
    private const int MaxBytes = 16 * 1024 * 1024;
    private const int MaxId = 64;
    private const int MaxListed = 500;

    private const string Head =
        "id, queue, caller, created_at, state, attempts, started_at, ended_at, error_code, token, lease_until";

    private const string Columns = Head + ", payload, result";

    public async Task<Job> EnqueueAsync(Job job, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        CheckId(job.Id, nameof(job));
        if (job.Id.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not '-' and not '_'))
        {
            throw new ArgumentException("A job's id has characters from A-Z, a-z, 0-9, '-' and '_'.", nameof(job));
        }

        CheckId(job.Queue, nameof(job));
        ArgumentException.ThrowIfNullOrEmpty(job.CallerKey, nameof(job));
        CheckSize(job.Payload, nameof(job));
        List<Job> stored = await database.QueryAsync(
            "enqueue a job",
            $$"""
            WITH added AS (
              INSERT INTO {schema}.job (id, queue, caller, payload, created_at) SELECT $2, $3, $4, $5, $6
              ON CONFLICT (id) DO NOTHING RETURNING {{Columns}})
            SELECT {{Columns}} FROM added UNION ALL SELECT {{Columns}} FROM {schema}.job WHERE id = $2 LIMIT 1
            """,
            [
                Sql.Bytes(job.Id), Sql.Bytes(job.Queue), Sql.Bytes(job.CallerKey), job.Payload.ToArray(),
                job.CreatedAt.UtcTicks,
            ],
            static row => Read(row, isWhole: true), cancellationToken).ConfigureAwait(false);

        // Somebody else was just adding it, so neither part saw it.
        return stored.Count > 0
            ? stored[0]
            : await FindAsync(job.Id, cancellationToken).ConfigureAwait(false)
                ?? await EnqueueAsync(job, cancellationToken).ConfigureAwait(false);
    }

    public async Task<JobLease?> TakeAsync(
        string queue, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        CheckId(queue, nameof(queue));
        CheckLease(lease);
        return First(await database.QueryAsync(
            "take a job",
            $$"""
            UPDATE {schema}.job SET state = 1, attempts = attempts + 1, token = token + 1, started_at = {{Sql.Now}},
              lease_until = {{Sql.Now}} + $3
            WHERE id = (
              SELECT id FROM {schema}.job
              WHERE queue = $2 AND (state = 0 OR (state = 1 AND lease_until <= {{Sql.Now}}))
              ORDER BY created_at, seq FOR UPDATE SKIP LOCKED LIMIT 1)
            RETURNING {{Columns}}
            """,
            [Sql.Bytes(queue), lease.Ticks], ReadLease, cancellationToken).ConfigureAwait(false));
    }

    public async Task<JobLease?> RenewAsync(
        JobLease held, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        CheckLease(lease);
        return First(await database.QueryAsync(
            "renew the lease of a job",
            $"UPDATE {{schema}}.job SET lease_until = {Sql.Now} + $4 WHERE id = $2 AND token = $3 AND state = 1 "
                + $"RETURNING {Columns}",
            [Sql.Bytes(held.Job.Id), held.Token, lease.Ticks], ReadLease, cancellationToken).ConfigureAwait(false));
    }

    public Task<bool> CompleteAsync(
        JobLease held, ReadOnlyMemory<byte> result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        CheckSize(result, nameof(result));
        return ChangesAsync(
            "end a job",
            $"UPDATE {{schema}}.job SET state = 2, ended_at = {Sql.Now}, result = $4 "
                + "WHERE id = $2 AND token = $3 AND state = 1",
            [Sql.Bytes(held.Job.Id), held.Token, result.ToArray()], cancellationToken);
    }

    public Task<bool> FailAsync(
        JobLease held, string errorCode, bool again, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        ArgumentException.ThrowIfNullOrEmpty(errorCode);
        string change = again
            ? "state = 0, lease_until = NULL"
            : $"state = 3, ended_at = {Sql.Now}, error_code = $4";
        return ChangesAsync(
            "fail a job",
            $"UPDATE {{schema}}.job SET {change} WHERE id = $2 AND token = $3 AND state = 1",
            [Sql.Bytes(held.Job.Id), held.Token, errorCode], cancellationToken);
    }

    public Task<bool> CancelAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return ChangesAsync(
            "cancel a job",
            $"UPDATE {{schema}}.job SET state = 4, ended_at = {Sql.Now} WHERE id = $2 AND state < 2",
            [Sql.Bytes(id)], cancellationToken);
    }

    public async Task<Job?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        List<Job> found = await database.QueryAsync(
            "read a job", $"SELECT {Columns} FROM {{schema}}.job WHERE id = $2",
            [Sql.Bytes(id)], static row => Read(row, isWhole: true), cancellationToken).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public async Task<IReadOnlyList<Job>> ListAsync(
        string callerKey, DateTimeOffset? before, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(callerKey);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxListed);
        return await database.QueryAsync(
            "list jobs",
            $"SELECT {Head} FROM {{schema}}.job WHERE caller = $2 AND created_at < $3 "
                + "ORDER BY created_at DESC, seq DESC LIMIT $4",
            [Sql.Bytes(callerKey), before?.UtcTicks ?? long.MaxValue, limit], static row => Read(row, isWhole: false),
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<int> EraseAsync(string callerKey, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(callerKey);
        return await database.ExecuteAsync(
            "erase jobs", "DELETE FROM {schema}.job WHERE caller = $2",
            [Sql.Bytes(callerKey)], cancellationToken).ConfigureAwait(false);
    }

    public async Task<int> PruneAsync(DateTimeOffset endedBefore, CancellationToken cancellationToken = default) =>
        await database.ExecuteAsync(
            "remove ended jobs", "DELETE FROM {schema}.job WHERE ended_at < $2",
            [endedBefore.UtcTicks], cancellationToken).ConfigureAwait(false);

    private static void CheckId(string id, string name)
    {
        if (id is not { Length: > 0 and <= MaxId })
        {
            throw new ArgumentException($"A job's id and its queue have 1 to {MaxId} characters.", name);
        }
    }

    private static void CheckLease(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, TimeSpan.FromDays(1));
    }

    private static void CheckSize(ReadOnlyMemory<byte> bytes, string name)
    {
        if (bytes.Length > MaxBytes)
        {
            throw new ArgumentException($"A job keeps at most {MaxBytes} bytes; these are {bytes.Length}.", name);
        }
    }

    private static JobLease? First(List<JobLease> found) => found.Count == 0 ? null : found[0];

    private static JobLease ReadLease(NpgsqlDataReader row) =>
        new(Read(row, isWhole: true), row.GetInt64(9), Sql.Moment(row.GetInt64(10)));

    private static Job Read(NpgsqlDataReader row, bool isWhole) => new()
    {
        Id = Sql.Text(row.GetFieldValue<byte[]>(0)),
        Queue = Sql.Text(row.GetFieldValue<byte[]>(1)),
        CallerKey = Sql.Text(row.GetFieldValue<byte[]>(2)),
        CreatedAt = Sql.Moment(row.GetInt64(3)),
        State = (JobState)row.GetInt16(4),
        Attempts = row.GetInt32(5),
        StartedAt = row.IsDBNull(6) ? null : Sql.Moment(row.GetInt64(6)),
        EndedAt = row.IsDBNull(7) ? null : Sql.Moment(row.GetInt64(7)),
        ErrorCode = row.IsDBNull(8) ? null : row.GetString(8),
        Payload = isWhole ? row.GetFieldValue<byte[]>(11) : default(ReadOnlyMemory<byte>),
        Result = isWhole && !row.IsDBNull(12) ? row.GetFieldValue<byte[]>(12) : default(ReadOnlyMemory<byte>),
    };

    private async Task<bool> ChangesAsync(
        string doing, string sql, object?[] parameters, CancellationToken cancellationToken) =>
        await database.ExecuteAsync(doing, sql, parameters, cancellationToken).ConfigureAwait(false) == 1;
}
