namespace Coach.Usage;

/// <summary>The keys of what stands in the additional properties of an answer.</summary>
public static class UsageProperties
{
    /// <summary>What the call cost with all its attempts, as a <see cref="UsageCost"/>. In a stream it stands in the
    /// last update.</summary>
    public const string Cost = "coach.usage.cost";

    /// <summary>
    /// What the provider has counted so far, as one <c>UsageDetails</c> that goes on counting while the answer comes:
    /// clients that know it put it into an update, and a stream that is stopped or cut is counted by it. It is taken
    /// out of the update where it is counted.
    /// </summary>
    public const string Running = "coach.usage.running";
}
