using System.Collections.Concurrent;
using System.Security.Cryptography;
using Memo.Configuration;
using Memo.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.WebUtilities;

namespace Memo.People;

/// <summary>Names and passwords: ASP.NET Core Identity decides, one try of a name at a time.</summary>
internal sealed class LoginService(
    IServiceScopeFactory scopes, SettingsStore settings, HourlyLimits limits, TimeProvider time)
{
    private static readonly PasswordHasher<MemoUser> Hasher = new();
    private static readonly string NobodysHash = Hasher.HashPassword(new MemoUser(), Guid.NewGuid().ToString());

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _tries = new(StringComparer.Ordinal);

    /// <summary>Checks a password. A name that nobody has takes as long, and is locked as soon.</summary>
    public async Task<LoginOutcome> LoginAsync(string name, string password)
    {
        using IServiceScope scope = scopes.CreateScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<MemoUser>>();
        string normalized = users.NormalizeName(name) ?? "";

        // So many doors for all names: what attackers type makes none of its own.
        SemaphoreSlim one = _tries.GetOrAdd(
            (uint)string.GetHashCode(normalized, StringComparison.Ordinal) % 1_024 + "", _ => new SemaphoreSlim(1, 1));
        await one.WaitAsync().ConfigureAwait(false);
        try
        {
            RateDecision tries = limits.Peek("login:" + normalized, settings.Current.Auth.LoginsPerHour);
            if (!tries.IsGranted)
            {
                return new LoginOutcome(null, tries);
            }

            MemoUser? user = await users.FindByNameAsync(name).ConfigureAwait(false);
            if (user is null)
            {
                Hasher.VerifyHashedPassword(new MemoUser(), NobodysHash, password);
                return new LoginOutcome(null, Failed(normalized));
            }

            if (user.LockoutEnd is { } end && end > time.GetUtcNow())
            {
                return new LoginOutcome(null, tries with { IsGranted = false, Reset = end - time.GetUtcNow() });
            }

            if (!await users.CheckPasswordAsync(user, password).ConfigureAwait(false))
            {
                await CountFailureAsync(users, user).ConfigureAwait(false);
                return new LoginOutcome(null, Failed(normalized));
            }

            if (user.Failed > 0 || user.LockoutEnd is not null)
            {
                user.Failed = 0;
                user.LockoutEnd = null;
                await users.UpdateAsync(user).ConfigureAwait(false);
            }

            return new LoginOutcome(user, tries);
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>Makes the first admin, if there is nobody yet.</summary>
    /// <returns>A one-time password that has to be shown; null if there is none to show.</returns>
    public async Task<string?> EnsureAdminAsync(string? name, string? password, CancellationToken cancellationToken)
    {
        using IServiceScope scope = scopes.CreateScope();
        var store = (MemoUserStore)scope.ServiceProvider.GetRequiredService<IUserStore<MemoUser>>();
        if ((await store.ListAsync(cancellationToken).ConfigureAwait(false)).Count > 0)
        {
            return null;
        }

        string made = WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(15));
        bool isGiven = !string.IsNullOrEmpty(password);
        var users = scope.ServiceProvider.GetRequiredService<UserManager<MemoUser>>();
        var admin = new MemoUser { Name = string.IsNullOrWhiteSpace(name) ? "admin" : name.Trim(), IsAdmin = true };
        IdentityResult result = await users.CreateAsync(admin, isGiven ? password! : made).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            throw new InvalidOperationException(
                "MEMO_ADMIN_USERNAME and MEMO_ADMIN_PASSWORD make no account: "
                + string.Join(' ', result.Errors.Select(error => error.Description)));
        }

        return isGiven ? null : made;
    }

    // What Identity's AccessFailedAsync does, with the numbers that the configuration has now.
    private async Task CountFailureAsync(UserManager<MemoUser> users, MemoUser user)
    {
        AuthSettings auth = settings.Current.Auth;
        user.Failed++;
        if (user.Failed >= auth.MaxLoginAttempts)
        {
            user.Failed = 0;
            user.LockoutEnd = time.GetUtcNow() + auth.Lockout;
        }

        await users.UpdateAsync(user).ConfigureAwait(false);
    }

    // Successes are free: people log in on several devices.
    private RateDecision Failed(string normalized)
    {
        limits.Take("login:" + normalized, settings.Current.Auth.LoginsPerHour);
        return new RateDecision(true, settings.Current.Auth.LoginsPerHour, 0, TimeSpan.Zero);
    }
}

/// <summary>What came of a try: the user, or whether it was one too many.</summary>
internal sealed record LoginOutcome(MemoUser? User, RateDecision Limit);
