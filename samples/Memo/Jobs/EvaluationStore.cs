using System.Data.Common;
using System.Text.Json;
using Memo.Data;
using Memo.Evaluation;

namespace Memo.Jobs;

/// <summary>
/// Evaluations, and what is still to be booked of those that ended: that a job ends and that its cost is to be booked is
/// one transaction, so a job that is run twice after a crash ends once and is charged once.
/// </summary>
internal sealed class EvaluationStore(MemoDatabase database, TimeProvider time)
{
    /// <summary>How often a job is begun before it counts as one that takes its host down.</summary>
    public const int MaxAttempts = 3;

    private const string Columns =
        "id, user_id, status, text, upload, is_mock, created, started, ended, attempts, token, result, error_code, "
        + "error_message, cost_micro, reserved_micro";

    private static readonly JsonSerializerOptions CallsJson = new() { IgnoreReadOnlyProperties = true };

    private const string Live = "status IN ('queued', 'running')";

    /// <summary>Takes a job into the queue, if there is a place for it.</summary>
    /// <param name="record">The job.</param>
    /// <param name="places">How many may wait or run.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was one.</returns>
    public Task<bool> EnqueueAsync(
        EvaluationRecord record, int places, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            await database.LockAsync(transaction, cancellationToken).ConfigureAwait(false);
            long live = await transaction.Command($"SELECT COUNT(*) FROM evaluations WHERE {Live}")
                .CountAsync(cancellationToken).ConfigureAwait(false);
            if (live >= places)
            {
                return false;
            }

            await transaction.Command(
                "INSERT INTO evaluations (id, user_id, status, text, upload, is_mock, created, attempts, token, lease_until, "
                + "cost_micro, reserved_micro) VALUES (@id, @user, 'queued', @text, @upload, @mock, @created, 0, 0, 0, 0, "
                + "@reserved)",
                ("@id", record.Id), ("@user", record.UserId), ("@text", record.Text), ("@upload", record.Upload),
                ("@mock", record.IsMock), ("@created", record.CreatedAt), ("@reserved", record.ReservedMicro))
                .RunAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Takes the oldest job that waits, or whose worker is gone.</summary>
    public Task<EvaluationRecord?> TakeAsync(TimeSpan lease, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            DateTimeOffset now = time.GetUtcNow();
            List<EvaluationRecord> taken = await transaction.Command(
                "UPDATE evaluations SET status = 'running', started = @now, attempts = attempts + 1, token = token + 1, "
                + "lease_until = @until WHERE id = (SELECT id FROM evaluations WHERE status = 'queued' OR (status = 'running' "
                + $"AND lease_until < @now) ORDER BY created, id LIMIT 1{database.ForUpdate}) RETURNING {Columns}",
                ("@now", now), ("@until", now + lease)).ListAsync(Read, cancellationToken).ConfigureAwait(false);
            return taken.SingleOrDefault();
        }, cancellationToken);

    /// <summary>Gives back what the last host of this folder was working on: only one that is alone may call it.</summary>
    public Task<int> RecoverAsync(CancellationToken cancellationToken) => database.WriteAsync(
        transaction => transaction.Command("UPDATE evaluations SET status = 'queued' WHERE status = 'running'")
            .RunAsync(cancellationToken),
        cancellationToken);

    /// <summary>Ends a job, and notes what it cost.</summary>
    /// <returns>Whether this worker still held it; otherwise nothing changed and nothing is charged.</returns>
    public Task<bool> EndAsync(
        EvaluationRecord job, string status, (string? Result, string? ErrorCode, string? ErrorMessage) outcome,
        IReadOnlyList<ModelCall> calls, (string? Prompt, string? Answer) raw, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async transaction =>
            {
                int changed = await transaction.Command(
                    "UPDATE evaluations SET status = @status, ended = @now, result = @result, error_code = @code, "
                    + "error_message = @message, cost_micro = @cost, reserved_micro = 0, prompt = @prompt, answer = @answer "
                    + "WHERE id = @id AND token = @token AND status = 'running'",
                    ("@status", status), ("@now", time.GetUtcNow()), ("@result", outcome.Result),
                    ("@code", outcome.ErrorCode), ("@message", outcome.ErrorMessage),
                    ("@cost", calls.Sum(call => call.CostMicro)), ("@prompt", raw.Prompt), ("@answer", raw.Answer),
                    ("@id", job.Id), ("@token", job.Token)).RunAsync(cancellationToken).ConfigureAwait(false);
                if (changed == 1)
                {
                    await NoteAsync(transaction, job, calls, cancellationToken).ConfigureAwait(false);
                }

                return changed == 1;
            }, cancellationToken);

    /// <summary>Notes what a job had cost that was cancelled while it ran.</summary>
    /// <returns>Whether it was; otherwise nothing changed.</returns>
    public Task<bool> StopAsync(
        EvaluationRecord job, IReadOnlyList<ModelCall> calls, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            int changed = await transaction.Command(
                "UPDATE evaluations SET cost_micro = @cost, reserved_micro = 0 WHERE id = @id AND token = @token AND "
                + "status = 'cancelled'",
                ("@cost", calls.Sum(call => call.CostMicro)), ("@id", job.Id), ("@token", job.Token))
                .RunAsync(cancellationToken).ConfigureAwait(false);
            if (changed == 1 && (calls.Count > 0 || job.ReservedMicro > 0))
            {
                await NoteAsync(transaction, job, calls, cancellationToken).ConfigureAwait(false);
            }

            return changed == 1;
        }, cancellationToken);

    /// <summary>Cancels a job that has not ended, or removes one that has. What ran is stopped by its worker.</summary>
    /// <returns>The status that it had before; null if this user has no such job.</returns>
    public Task<string?> CancelOrDeleteAsync(string id, string userId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async transaction =>
            {
                (string, object?)[] names = [("@now", time.GetUtcNow()), ("@id", id), ("@user", userId)];
                int waiting = await transaction.Command(
                    "UPDATE evaluations SET status = 'cancelled', ended = @now WHERE id = @id AND user_id = @user AND "
                    + "status = 'queued'", names).RunAsync(cancellationToken).ConfigureAwait(false);
                if (waiting == 1)
                {
                    await transaction.Command(
                        "INSERT INTO settlements (evaluation_id, user_id, reserved_at, reserved_micro, calls) SELECT id, "
                        + "user_id, created, reserved_micro, '[]' FROM evaluations WHERE id = @id AND reserved_micro > 0",
                        ("@id", id)).RunAsync(cancellationToken).ConfigureAwait(false);
                    return EvaluationRecord.Queued;
                }

                int running = await transaction.Command(
                    "UPDATE evaluations SET status = 'cancelled', ended = @now WHERE id = @id AND user_id = @user AND "
                    + "status = 'running'", names).RunAsync(cancellationToken).ConfigureAwait(false);
                if (running == 1)
                {
                    return EvaluationRecord.Running;
                }

                int deleted = await transaction.Command(
                    "DELETE FROM evaluations WHERE id = @id AND user_id = @user", ("@id", id), ("@user", userId))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
                return deleted == 1 ? EvaluationRecord.Done : null;
            }, cancellationToken);

    /// <summary>What is still to be booked: of one job, or of all.</summary>
    public Task<List<Settlement>> ListSettlementsAsync(string? id, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.Command(
                "SELECT evaluation_id, user_id, reserved_at, reserved_micro, calls FROM settlements "
                + "WHERE (@id = '' OR evaluation_id = @id) ORDER BY evaluation_id LIMIT @limit",
                ("@id", id ?? ""), ("@limit", limit)).ListAsync(
                row => new Settlement(
                    row.GetString(0), row.GetString(1), row.Time(2)!.Value, row.GetInt64(3),
                    JsonSerializer.Deserialize<ModelCall[]>(row.GetString(4), CallsJson)!), cancellationToken),
            cancellationToken);

    /// <summary>Forgets what is booked.</summary>
    public Task RemoveSettlementAsync(string id, CancellationToken cancellationToken) => database.WriteAsync(
        transaction => transaction.Command("DELETE FROM settlements WHERE evaluation_id = @id", ("@id", id))
            .RunAsync(cancellationToken), cancellationToken);

    /// <summary>The jobs that wait or run and for which money is set aside.</summary>
    public Task<List<EvaluationRecord>> ListReservedAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.Command($"SELECT {Columns} FROM evaluations WHERE {Live} AND reserved_micro > 0")
            .ListAsync(Read, cancellationToken), cancellationToken);

    public Task<EvaluationRecord?> FindAsync(string id, CancellationToken cancellationToken) => database.ReadAsync(
        async connection => (await connection.Command($"SELECT {Columns} FROM evaluations WHERE id = @id", ("@id", id))
            .ListAsync(Read, cancellationToken).ConfigureAwait(false)).SingleOrDefault(),
        cancellationToken);

    /// <summary>A user's evaluations, newest first; all users' if none is named.</summary>
    public Task<List<EvaluationRecord>> ListAsync(
        string? userId, (DateTimeOffset Time, string Id)? before, int limit, bool onlyDone,
        CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.Command(
            $"SELECT {Columns} FROM evaluations WHERE (@user = '' OR user_id = @user) AND (created < @before OR "
            + $"(created = @before AND id < @id)){(onlyDone ? " AND status = 'done'" : "")} "
            + "ORDER BY created DESC, id DESC LIMIT @limit",
            ("@user", userId ?? ""), ("@before", before?.Time.ToUnixTimeMilliseconds() ?? long.MaxValue),
            ("@id", before?.Id ?? ""), ("@limit", limit)).ListAsync(Read, cancellationToken),
        cancellationToken);

    /// <summary>Prompt and answer of a job, where they are kept.</summary>
    public Task<(string? Prompt, string? Answer)> FindRawAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => (await connection.Command(
                "SELECT prompt, answer FROM evaluations WHERE id = @id", ("@id", id))
                .ListAsync(row => (row.Text(0), row.Text(1)), cancellationToken).ConfigureAwait(false)).SingleOrDefault(),
            cancellationToken);

    /// <summary>How many wait and how many run.</summary>
    public Task<(long Queued, long Running)> CountAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            List<(string Status, long Count)> counts = await connection.Command(
                $"SELECT status, COUNT(*) FROM evaluations WHERE {Live} GROUP BY status")
                .ListAsync(row => (row.GetString(0), row.GetInt64(1)), cancellationToken).ConfigureAwait(false);
            return (
                counts.FirstOrDefault(each => each.Status == EvaluationRecord.Queued).Count,
                counts.FirstOrDefault(each => each.Status == EvaluationRecord.Running).Count);
        }, cancellationToken);

    /// <summary>Forgets which file a text came from.</summary>
    public Task<int> ForgetUploadsAsync(DateTimeOffset createdBefore, CancellationToken cancellationToken) =>
        database.WriteAsync(
            transaction => transaction.Command(
                "UPDATE evaluations SET upload = NULL WHERE upload IS NOT NULL AND created < @before",
                ("@before", createdBefore)).RunAsync(cancellationToken),
            cancellationToken);

    private static Task NoteAsync(
        DbTransaction transaction, EvaluationRecord job, IReadOnlyList<ModelCall> calls,
        CancellationToken cancellationToken) => transaction.Command(
        "INSERT INTO settlements (evaluation_id, user_id, reserved_at, reserved_micro, calls) VALUES (@id, @user, @at, "
        + "@reserved, @calls) ON CONFLICT DO NOTHING",
        ("@id", job.Id), ("@user", job.UserId), ("@at", job.CreatedAt), ("@reserved", job.ReservedMicro),
        ("@calls", JsonSerializer.Serialize(calls, CallsJson))).RunAsync(cancellationToken);

    private static EvaluationRecord Read(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        UserId = row.GetString(1),
        Status = row.GetString(2),
        Text = row.GetString(3),
        Upload = row.Text(4),
        IsMock = row.GetInt64(5) == 1,
        CreatedAt = row.Time(6)!.Value,
        StartedAt = row.Time(7),
        EndedAt = row.Time(8),
        Attempts = (int)row.GetInt64(9),
        Token = row.GetInt64(10),
        Result = row.Text(11),
        ErrorCode = row.Text(12),
        ErrorMessage = row.Text(13),
        CostMicro = row.GetInt64(14),
        ReservedMicro = row.GetInt64(15),
    };
}
