namespace Coach.Usage;

/// <summary>
/// An amount that moves from one account to another, and why. It holds no prompt, no key and no answer.
/// </summary>
public sealed record LedgerTransaction
{
    /// <summary>
    /// Names what happened, 1 to 200 characters: the same key is kept once, however often it is appended. Never the
    /// time, never a random value made anew at each try.
    /// </summary>
    public required string Key { get; init; }

    /// <summary>What it is.</summary>
    public required LedgerEntryKind Kind { get; init; }

    /// <summary>The account whose balance grows by <see cref="Amount"/>; of <see cref="LedgerAccount"/>.</summary>
    public required string Account { get; init; }

    /// <summary>The account whose balance falls by it.</summary>
    public required string Contra { get; init; }

    /// <summary>How much; negative for what is used or spent. Zero where the cost is not known.</summary>
    public required MicroAmount Amount { get; init; }

    /// <summary>False where a call's cost is not known, and <see cref="Amount"/> is no price.</summary>
    public bool IsPriced { get; init; } = true;

    /// <summary>Whether the counts are an estimate because the provider gave none.</summary>
    public bool IsEstimated { get; init; }

    /// <summary>The provider of a call; empty for none. At most 64 characters.</summary>
    public string Provider { get; init; } = "";

    /// <summary>The model of a call; empty for none. At most 200 characters.</summary>
    public string Model { get; init; } = "";

    /// <summary>What a call used.</summary>
    public UsageCounts Counts { get; init; }

    /// <summary>How a call ended.</summary>
    public UsageOutcome Outcome { get; init; }

    /// <summary>What it belongs to, such as a payment's fact or a run; at most 200 characters, no user text.</summary>
    public string Reference { get; init; } = "";
}
