using System.Data.Common;
using Coach.Usage;
using Memo.Costs;
using Memo.Data;
using Microsoft.AspNetCore.Identity;

namespace Memo.People;

/// <summary>The users of ASP.NET Core Identity in this host's database.</summary>
internal sealed class MemoUserStore(MemoDatabase database, IUsageLedger ledger, TimeProvider time) :
    IUserPasswordStore<MemoUser>, IUserLockoutStore<MemoUser>, IUserSecurityStampStore<MemoUser>
{
    private const string Columns =
        "id, name, normalized, password_hash, stamp, is_admin, failed, lockout_end, created";

    public async Task<IdentityResult> CreateAsync(MemoUser user, CancellationToken cancellationToken)
    {
        user.Id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        user.Created = time.GetUtcNow();
        int made = await database.WriteAsync(
            transaction => transaction.Command(
                $"INSERT INTO users ({Columns}) VALUES (@id, @name, @normalized, @hash, @stamp, @admin, 0, NULL, @created) "
                + "ON CONFLICT DO NOTHING",
                ("@id", user.Id), ("@name", user.Name), ("@normalized", user.Normalized), ("@hash", user.PasswordHash),
                ("@stamp", user.Stamp), ("@admin", user.IsAdmin), ("@created", user.Created))
                .RunAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return made == 1
            ? IdentityResult.Success
            : IdentityResult.Failed(new IdentityErrorDescriber().DuplicateUserName(user.Name));
    }

    public async Task<IdentityResult> UpdateAsync(MemoUser user, CancellationToken cancellationToken)
    {
        await database.WriteAsync(
            transaction => transaction.Command(
                "UPDATE users SET password_hash = @hash, stamp = @stamp, is_admin = @admin, failed = @failed, "
                + "lockout_end = @lockout WHERE id = @id",
                ("@hash", user.PasswordHash), ("@stamp", user.Stamp), ("@admin", user.IsAdmin), ("@failed", user.Failed),
                ("@lockout", user.LockoutEnd), ("@id", user.Id)).RunAsync(cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        return IdentityResult.Success;
    }

    /// <summary>Removes a user with all that the user made. What was paid stays in the books, without a name.</summary>
    public async Task<IdentityResult> DeleteAsync(MemoUser user, CancellationToken cancellationToken)
    {
        await EraseAsync(user.Id, cancellationToken).ConfigureAwait(false);
        await database.WriteAsync(
            transaction => transaction.Command("DELETE FROM users WHERE id = @id", ("@id", user.Id))
                .RunAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return IdentityResult.Success;
    }

    public async Task EraseAsync(string userId, CancellationToken cancellationToken)
    {
        await database.WriteAsync(
            async transaction =>
            {
                await transaction.Command("DELETE FROM evaluations WHERE user_id = @id", ("@id", userId))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
                await transaction.Command("DELETE FROM sessions WHERE user_id = @id", ("@id", userId))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
                return await transaction.Command(
                    "UPDATE settlements SET user_id = '' WHERE user_id = @id", ("@id", userId))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        string account = LedgerAccount.Usage(JobBudget.CallerOf(userId));
        await ledger.EraseAsync(account, cancellationToken).ConfigureAwait(false);
    }

    public Task<List<MemoUser>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.Command($"SELECT {Columns} FROM users ORDER BY name").ListAsync(Read, cancellationToken),
        cancellationToken);

    public Task<MemoUser?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
        FindAsync("id", userId, cancellationToken);

    public Task<MemoUser?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) =>
        FindAsync("normalized", normalizedUserName, cancellationToken);

    public Task<string> GetUserIdAsync(MemoUser user, CancellationToken cancellationToken) => Task.FromResult(user.Id);

    public Task<string?> GetUserNameAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(user.Name);

    public Task<string?> GetNormalizedUserNameAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(user.Normalized);

    public Task SetUserNameAsync(MemoUser user, string? userName, CancellationToken cancellationToken) =>
        Set(() => user.Name = userName ?? "");

    public Task SetNormalizedUserNameAsync(MemoUser user, string? normalizedName, CancellationToken cancellationToken) =>
        Set(() => user.Normalized = normalizedName ?? "");

    public Task SetPasswordHashAsync(MemoUser user, string? passwordHash, CancellationToken cancellationToken) =>
        Set(() => user.PasswordHash = passwordHash);

    public Task<string?> GetPasswordHashAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult(user.PasswordHash);

    public Task<bool> HasPasswordAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult(user.PasswordHash is not null);

    public Task SetSecurityStampAsync(MemoUser user, string stamp, CancellationToken cancellationToken) =>
        Set(() => user.Stamp = stamp);

    public Task<string?> GetSecurityStampAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(user.Stamp);

    public Task<DateTimeOffset?> GetLockoutEndDateAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult(user.LockoutEnd);

    public Task SetLockoutEndDateAsync(MemoUser user, DateTimeOffset? lockoutEnd, CancellationToken cancellationToken) =>
        Set(() => user.LockoutEnd = lockoutEnd);

    public Task<int> IncrementAccessFailedCountAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult(++user.Failed);

    public Task ResetAccessFailedCountAsync(MemoUser user, CancellationToken cancellationToken) => Set(() => user.Failed = 0);

    public Task<int> GetAccessFailedCountAsync(MemoUser user, CancellationToken cancellationToken) =>
        Task.FromResult(user.Failed);

    public Task<bool> GetLockoutEnabledAsync(MemoUser user, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task SetLockoutEnabledAsync(MemoUser user, bool enabled, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public void Dispose()
    {
        // The database is the host's.
    }

    private static Task Set(Action change)
    {
        change();
        return Task.CompletedTask;
    }

    private static MemoUser Read(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        Name = row.GetString(1),
        Normalized = row.GetString(2),
        PasswordHash = row.Text(3),
        Stamp = row.GetString(4),
        IsAdmin = row.GetInt64(5) == 1,
        Failed = (int)row.GetInt64(6),
        LockoutEnd = row.Time(7),
        Created = row.Time(8)!.Value,
    };

    private Task<MemoUser?> FindAsync(string column, string value, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => (await connection.Command(
                $"SELECT {Columns} FROM users WHERE {column} = @value", ("@value", value))
                .ListAsync(Read, cancellationToken).ConfigureAwait(false)).SingleOrDefault(),
            cancellationToken);
}
