namespace Coach.Payments;

/// <summary>What claiming an operation gave. The zero value allows nothing.</summary>
public enum ClaimOutcome
{
    /// <summary>The key was used before with another request.</summary>
    Conflict,

    /// <summary>Somebody else holds the claim.</summary>
    InProgress,

    /// <summary>The link is known; nothing is left to do.</summary>
    Completed,

    /// <summary>The caller now holds the claim.</summary>
    Claimed,
}
