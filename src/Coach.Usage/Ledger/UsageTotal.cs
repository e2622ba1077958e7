namespace Coach.Usage;

/// <summary>What was used in one day of one model.</summary>
/// <param name="Day">The day, UTC.</param>
/// <param name="Provider">The provider.</param>
/// <param name="Model">The model.</param>
/// <param name="Counts">All tokens and requests.</param>
/// <param name="Cost">What the calls whose price is known cost.</param>
/// <param name="Unpriced">How many calls have no known price.</param>
/// <param name="Estimated">How many calls were counted by an estimate.</param>
public sealed record UsageTotal(
    DateOnly Day, string Provider, string Model, UsageCounts Counts, MicroAmount Cost, long Unpriced, long Estimated);
