namespace Coach.Llm;

/// <summary>What a guard says. The zero value is a refusal.</summary>
public readonly record struct GuardDecision
{
    private GuardDecision(bool isAllowed, string? reason) => (IsAllowed, Reason) = (isAllowed, reason);

    /// <summary>It may pass.</summary>
    public static GuardDecision Allow { get; } = new(true, null);

    /// <summary>Whether it may pass.</summary>
    public bool IsAllowed { get; }

    /// <summary>Why not, for the person who asked; null if it may pass or nothing was said.</summary>
    public string? Reason { get; }

    /// <summary>It may not pass.</summary>
    /// <param name="reason">Why, in a sentence for the person who asked; free of what others wrote.</param>
    /// <returns>The decision.</returns>
    public static GuardDecision Refuse(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new GuardDecision(false, reason);
    }
}
