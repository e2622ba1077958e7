namespace Coach.Usage;

/// <summary>
/// One side of a transaction, as it stands in an account: chained by hash to the entry before it in that account.
/// </summary>
public sealed record LedgerEntry
{
    /// <summary>Its place in the account, from 1 without a gap.</summary>
    public required long Sequence { get; init; }

    /// <summary>The account: its own name for the host's, else its pseudonym.</summary>
    public required string Account { get; init; }

    /// <summary>The other account, named in the same way.</summary>
    public required string Contra { get; init; }

    /// <summary>The transaction's key.</summary>
    public required string Key { get; init; }

    /// <summary>What it is.</summary>
    public required LedgerEntryKind Kind { get; init; }

    /// <summary>How much this account's balance grew.</summary>
    public required MicroAmount Amount { get; init; }

    /// <summary>When it was appended, in whole milliseconds.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>False where the cost is not known.</summary>
    public bool IsPriced { get; init; } = true;

    /// <summary>Whether the counts are an estimate.</summary>
    public bool IsEstimated { get; init; }

    /// <summary>The provider; empty for none.</summary>
    public string Provider { get; init; } = "";

    /// <summary>The model; empty for none.</summary>
    public string Model { get; init; } = "";

    /// <summary>What a call used.</summary>
    public UsageCounts Counts { get; init; }

    /// <summary>How a call ended.</summary>
    public UsageOutcome Outcome { get; init; }

    /// <summary>What it belongs to.</summary>
    public string Reference { get; init; } = "";

    /// <summary>SHA-256 over all of the above and the hash of the entry before it, in lower-case hex.</summary>
    public string Hash { get; init; } = "";
}
