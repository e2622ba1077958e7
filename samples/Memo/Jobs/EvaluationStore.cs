using System.Data.Common;
using Memo.Data;

namespace Memo.Jobs;

/// <summary>What became of a wish to enqueue.</summary>
internal enum Admission
{
    Accepted,
    QueueFull,
    DayBudget,
    MonthBudget,
}

/// <summary>
/// Evaluations and what they cost, in one database: that a job ends and that it is charged is one transaction, so a
/// job that is run twice after a crash ends once and is charged once.
/// </summary>
internal sealed class EvaluationStore(MemoDatabase database, TimeProvider time)
{
    /// <summary>How often a job is begun before it counts as one that takes its host down.</summary>
    public const int MaxAttempts = 3;

    private const string Columns =
        "id, user_id, status, text, upload, is_mock, created, started, ended, attempts, token, result, error_code, "
        + "error_message, cost_micro";

    private const string Live = "status IN ('queued', 'running')";

    /// <summary>Takes a job into the queue, if there is a place and money for it.</summary>
    /// <param name="record">The job.</param>
    /// <param name="limits">How many may wait or run; how much it may cost; day and month limits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<Admission> EnqueueAsync(
        EvaluationRecord record, (int Places, long Reserve, long Day, long Month) limits,
        CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            await database.LockAsync(transaction, cancellationToken).ConfigureAwait(false);
            long live = await transaction.Command($"SELECT COUNT(*) FROM evaluations WHERE {Live}")
                .CountAsync(cancellationToken).ConfigureAwait(false);
            if (live >= limits.Places)
            {
                return Admission.QueueFull;
            }

            if (limits.Reserve > 0)
            {
                DateTimeOffset now = record.CreatedAt.ToUniversalTime();
                var day = new DateTimeOffset(now.Date, TimeSpan.Zero);
                long reserved = await transaction.Command(
                    $"SELECT COALESCE(SUM(reserved_micro), 0) FROM evaluations WHERE {Live}")
                    .CountAsync(cancellationToken).ConfigureAwait(false);
                long today = await SpentAsync(transaction, day, cancellationToken).ConfigureAwait(false);
                if (today + reserved + limits.Reserve > limits.Day)
                {
                    return Admission.DayBudget;
                }

                long month = await SpentAsync(transaction, day.AddDays(1 - day.Day), cancellationToken)
                    .ConfigureAwait(false);
                if (month + reserved + limits.Reserve > limits.Month)
                {
                    return Admission.MonthBudget;
                }
            }

            await transaction.Command(
                "INSERT INTO evaluations (id, user_id, status, text, upload, is_mock, created, attempts, token, lease_until, "
                + "cost_micro, reserved_micro) VALUES (@id, @user, 'queued', @text, @upload, @mock, @created, 0, 0, 0, 0, "
                + "@reserved)",
                ("@id", record.Id), ("@user", record.UserId), ("@text", record.Text), ("@upload", record.Upload),
                ("@mock", record.IsMock), ("@created", record.CreatedAt), ("@reserved", limits.Reserve))
                .RunAsync(cancellationToken).ConfigureAwait(false);
            return Admission.Accepted;
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

    /// <summary>Ends a job, and charges it.</summary>
    /// <returns>Whether this worker still held it; otherwise nothing changed and nothing was charged.</returns>
    public Task<bool> EndAsync(
        EvaluationRecord job, string status, (string? Result, string? ErrorCode, string? ErrorMessage) outcome,
        long costMicro, (string? Prompt, string? Answer) raw, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            DateTimeOffset now = time.GetUtcNow();
            int changed = await transaction.Command(
                "UPDATE evaluations SET status = @status, ended = @now, result = @result, error_code = @code, "
                + "error_message = @message, cost_micro = @cost, reserved_micro = 0, prompt = @prompt, answer = @answer "
                + "WHERE id = @id AND token = @token AND status = 'running'",
                ("@status", status), ("@now", now), ("@result", outcome.Result), ("@code", outcome.ErrorCode),
                ("@message", outcome.ErrorMessage), ("@cost", costMicro), ("@prompt", raw.Prompt),
                ("@answer", raw.Answer), ("@id", job.Id), ("@token", job.Token))
                .RunAsync(cancellationToken).ConfigureAwait(false);
            if (changed == 1)
            {
                await transaction.Command(
                    "INSERT INTO charges (evaluation_id, user_id, at, cost_micro) VALUES (@id, @user, @now, @cost)",
                    ("@id", job.Id), ("@user", job.UserId), ("@now", now), ("@cost", costMicro))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
            }

            return changed == 1;
        }, cancellationToken);

    /// <summary>Cancels a job that has not ended, or removes one that has.</summary>
    /// <returns>The status that it had before; null if this user has no such job.</returns>
    public Task<string?> CancelOrDeleteAsync(string id, string userId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async transaction =>
            {
                int cancelled = await transaction.Command(
                    $"UPDATE evaluations SET status = 'cancelled', ended = @now, reserved_micro = 0 WHERE id = @id AND "
                    + $"user_id = @user AND {Live}",
                    ("@now", time.GetUtcNow()), ("@id", id), ("@user", userId))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
                if (cancelled == 1)
                {
                    return EvaluationRecord.Running;
                }

                int deleted = await transaction.Command(
                    "DELETE FROM evaluations WHERE id = @id AND user_id = @user", ("@id", id), ("@user", userId))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
                return deleted == 1 ? EvaluationRecord.Done : null;
            }, cancellationToken);

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

    private static Task<long> SpentAsync(DbTransaction transaction, DateTimeOffset since, CancellationToken cancellationToken) =>
        transaction.Command("SELECT COALESCE(SUM(cost_micro), 0) FROM charges WHERE at >= @since", ("@since", since))
            .CountAsync(cancellationToken);

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
    };
}
