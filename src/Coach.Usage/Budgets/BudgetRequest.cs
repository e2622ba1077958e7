namespace Coach.Usage;

/// <summary>A call that wants to be made.</summary>
public sealed record BudgetRequest
{
    /// <summary>
    /// Its name, 1 to 100 characters: the same name again is the same call. A random one unless given.
    /// </summary>
    public string? Id { get; init; }

    /// <summary>When it is made: its day and month are those that count. Now unless given.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Who asks.</summary>
    public required CallerContext Caller { get; init; }

    /// <summary>The provider; empty while it is not known.</summary>
    public string Provider { get; init; } = "";

    /// <summary>The most that it may cost, in micro-units of the price table's currency.</summary>
    public long CostMicros { get; init; }

    /// <summary>The most tokens that it may take.</summary>
    public long Tokens { get; init; }

    /// <summary>Whether the host pays for it with a key of its own.</summary>
    public bool IsHostPaid { get; init; }
}
