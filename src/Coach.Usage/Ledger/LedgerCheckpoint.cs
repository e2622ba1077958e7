namespace Coach.Usage;

/// <summary>
/// What remains of an account's entries after retention: where the chain goes on, the balances until there, and a
/// signature over both.
/// </summary>
public sealed record LedgerCheckpoint
{
    /// <summary>The last entry that was removed; 0 if none was.</summary>
    public required long Sequence { get; init; }

    /// <summary>Its hash; empty if there is none.</summary>
    public required string Hash { get; init; }

    /// <summary>The balances after it, in the order of their currencies.</summary>
    public required IReadOnlyList<MicroAmount> Balances { get; init; }

    /// <summary>When it was made, in whole milliseconds.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>HMAC-SHA-256 over the above and the account, in lower-case hex.</summary>
    public string Signature { get; init; } = "";

    /// <summary>The beginning of every account.</summary>
    public static LedgerCheckpoint None { get; } = new()
    {
        Sequence = 0,
        Hash = "",
        Balances = [],
        At = DateTimeOffset.UnixEpoch,
    };
}
