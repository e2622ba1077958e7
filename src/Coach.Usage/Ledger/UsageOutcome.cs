namespace Coach.Usage;

/// <summary>How a call ended.</summary>
public enum UsageOutcome
{
    /// <summary>It is not known.</summary>
    Unknown,

    /// <summary>The answer is whole.</summary>
    Completed,

    /// <summary>The person, or the host, stopped it.</summary>
    Stopped,

    /// <summary>It failed, before its first token or behind it.</summary>
    Failed,
}
