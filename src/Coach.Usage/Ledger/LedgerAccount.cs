namespace Coach.Usage;

/// <summary>
/// Names of accounts. Those that begin with <c>app:</c> are the host's own; all others are somebody's, and stores keep
/// them under a pseudonym whose mapping can be erased.
/// </summary>
public static class LedgerAccount
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 1_200;

    /// <summary>What begins the names of the host's own accounts.</summary>
    public const string AppPrefix = "app:";

    /// <summary>Opposite all usage.</summary>
    public const string AppUsage = "app:usage";

    /// <summary>Opposite all credits: minus the sum of their balances.</summary>
    public const string AppCredits = "app:credits";

    /// <summary>What a caller's calls cost; its balance falls with each.</summary>
    /// <param name="caller">The caller.</param>
    /// <returns>The name.</returns>
    public static string Usage(CallerContext caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return "usage:" + caller.Key;
    }

    /// <summary>What a caller has bought and not spent.</summary>
    /// <param name="caller">The caller.</param>
    /// <returns>The name.</returns>
    public static string Credits(CallerContext caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return "credits:" + caller.Key;
    }

    /// <summary>What a tenant has bought and its users have not spent.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <returns>The name.</returns>
    public static string TenantCredits(string tenantId)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(tenantId);
        return "credits:t:" + tenantId;
    }

    /// <summary>Whether an account is the host's own.</summary>
    /// <param name="account">Its name.</param>
    /// <returns>Whether it begins with <see cref="AppPrefix"/>.</returns>
    public static bool IsApp(string account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return account.StartsWith(AppPrefix, StringComparison.Ordinal);
    }
}
