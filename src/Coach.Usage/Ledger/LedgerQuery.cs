namespace Coach.Usage;

/// <summary>Which entries are read.</summary>
public sealed record LedgerQuery
{
    /// <summary>The account by its name; null for all accounts.</summary>
    public string? Account { get; init; }

    /// <summary>Only those of this kind; null for all.</summary>
    public LedgerEntryKind? Kind { get; init; }

    /// <summary>Only those appended at this time or later; null for no bound.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Only those appended before this time; null for no bound.</summary>
    public DateTimeOffset? Before { get; init; }

    /// <summary>How many at most; 1 to 10,000,000.</summary>
    public int Limit { get; init; } = 1_000_000;
}
