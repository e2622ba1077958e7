namespace Memo.Data;

/// <summary>Who did what, for admins: logins, configuration, users. No text of a user stands in it.</summary>
internal sealed class AuditLog(MemoDatabase database, TimeProvider time)
{
    public Task AddAsync(string user, string action, string subject) => database.WriteAsync(
        transaction => transaction.Command(
            "INSERT INTO audit (id, at, user_name, action, subject) VALUES (@id, @at, @user, @action, @subject)",
            ("@id", Guid.CreateVersion7(time.GetUtcNow()).ToString("N")), ("@at", time.GetUtcNow()), ("@user", user),
            ("@action", action), ("@subject", subject)).RunAsync(CancellationToken.None),
        CancellationToken.None);

    public Task<List<AuditEntry>> ListAsync(int limit, CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.Command(
            "SELECT at, user_name, action, subject FROM audit ORDER BY at DESC, id DESC LIMIT @limit", ("@limit", limit))
            .ListAsync(
                row => new AuditEntry(row.Time(0)!.Value, row.GetString(1), row.GetString(2), row.GetString(3)),
                cancellationToken),
        cancellationToken);
}

internal sealed record AuditEntry(DateTimeOffset At, string User, string Action, string Subject);
