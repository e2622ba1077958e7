namespace Coach.Usage;

/// <summary>The keys of what stands in the additional properties of an answer.</summary>
public static class UsageProperties
{
    /// <summary>What the call cost with all its attempts, as a <see cref="UsageCost"/>. In a stream it stands in the
    /// last update.</summary>
    public const string Cost = "coach.usage.cost";
}
