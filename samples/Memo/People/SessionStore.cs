using System.Security.Cryptography;
using System.Text;
using Memo.Configuration;
using Memo.Data;
using Microsoft.AspNetCore.WebUtilities;

namespace Memo.People;

/// <summary>Sessions of browsers: a random token in the cookie, its hash in the database.</summary>
internal sealed class SessionStore(MemoDatabase database, SettingsStore settings, TimeProvider time)
{
    // How much a session's last use may lag behind, so that not each call writes.
    private static readonly TimeSpan Precision = TimeSpan.FromMinutes(1);

    /// <summary>Begins a session; the user's oldest one ends where there are too many.</summary>
    /// <returns>The token for the cookie.</returns>
    public async Task<string> CreateAsync(string userId, CancellationToken cancellationToken)
    {
        string token = Random();
        DateTimeOffset now = time.GetUtcNow();
        AuthSettings auth = settings.Current.Auth;
        await database.WriteAsync(
            async transaction =>
            {
                await transaction.Command("DELETE FROM sessions WHERE used < @idle", ("@idle", now - auth.SessionTimeout))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
                await transaction.Command(
                    "DELETE FROM sessions WHERE user_id = @user AND hash NOT IN (SELECT hash FROM sessions WHERE user_id = "
                    + "@user ORDER BY used DESC, created DESC LIMIT @keep)",
                    ("@user", userId), ("@keep", auth.MaxSessions - 1)).RunAsync(cancellationToken).ConfigureAwait(false);
                return await transaction.Command(
                    "INSERT INTO sessions (hash, user_id, csrf, created, used) VALUES (@hash, @user, @csrf, @now, @now)",
                    ("@hash", Hash(token)), ("@user", userId), ("@csrf", Random()), ("@now", now))
                    .RunAsync(cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        return token;
    }

    /// <summary>Who a session belongs to; null if it is unknown or has been idle for too long.</summary>
    public async Task<Caller?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length is 0 or > 128)
        {
            return null;
        }

        string hash = Hash(token);
        DateTimeOffset now = time.GetUtcNow();
        List<(Caller Caller, DateTimeOffset Used)> found = await database.ReadAsync(
            connection => connection.Command(
                "SELECT u.id, u.name, u.is_admin, s.csrf, s.used FROM sessions s JOIN users u ON u.id = s.user_id "
                + "WHERE s.hash = @hash AND s.used >= @idle",
                ("@hash", hash), ("@idle", now - settings.Current.Auth.SessionTimeout)).ListAsync(
                row => (
                    new Caller(row.GetString(0), row.GetString(1), row.GetInt64(2) == 1, row.GetString(3), hash),
                    row.Time(4)!.Value),
                cancellationToken), cancellationToken).ConfigureAwait(false);
        if (found.Count == 1 && now - found[0].Used > Precision)
        {
            await database.WriteAsync(
                transaction => transaction.Command(
                    "UPDATE sessions SET used = @now WHERE hash = @hash", ("@now", now), ("@hash", hash))
                    .RunAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        }

        return found.Count == 1 ? found[0].Caller : null;
    }

    public Task EndAsync(string hash, CancellationToken cancellationToken) => database.WriteAsync(
        transaction => transaction.Command("DELETE FROM sessions WHERE hash = @hash", ("@hash", hash))
            .RunAsync(cancellationToken), cancellationToken);

    public Task EndAllAsync(string userId, CancellationToken cancellationToken) => database.WriteAsync(
        transaction => transaction.Command("DELETE FROM sessions WHERE user_id = @user", ("@user", userId))
            .RunAsync(cancellationToken), cancellationToken);

    private static string Random() => WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32));

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
