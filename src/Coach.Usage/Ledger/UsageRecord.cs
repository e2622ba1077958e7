namespace Coach.Usage;

/// <summary>What one attempt at a provider used.</summary>
public sealed record UsageRecord
{
    /// <summary>Names the attempt, 1 to 200 characters; it is kept once.</summary>
    public required string Key { get; init; }

    /// <summary>Whose call it is.</summary>
    public required CallerContext Caller { get; init; }

    /// <summary>The provider, in lower case; at most 64 characters.</summary>
    public required string Provider { get; init; }

    /// <summary>The model; empty if it is not known. Cut at 200 characters.</summary>
    public string Model { get; init; } = "";

    /// <summary>What it used.</summary>
    public UsageCounts Counts { get; init; }

    /// <summary>Whether the counts are an estimate.</summary>
    public bool IsEstimated { get; init; }

    /// <summary>How it ended.</summary>
    public UsageOutcome Outcome { get; init; } = UsageOutcome.Completed;

    /// <summary>What it belongs to, such as a run; at most 200 characters, no user text.</summary>
    public string Reference { get; init; } = "";
}
