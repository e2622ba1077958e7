namespace Coach.Usage;

/// <summary>What calls cost.</summary>
/// <param name="Micros">The sum of what is known, in micro-units.</param>
/// <param name="Currency">The currency, in lower case.</param>
/// <param name="IsKnown">Whether all of it is known; never take an unknown cost for zero.</param>
/// <param name="Counts">What was used.</param>
/// <param name="IsEstimated">Whether a part of the counts is an estimate.</param>
public sealed record UsageCost(long Micros, string Currency, bool IsKnown, UsageCounts Counts, bool IsEstimated)
{
    /// <summary>The cost; null while it is not known.</summary>
    public MicroAmount? Amount => IsKnown ? new MicroAmount(Micros, Currency) : null;

    /// <summary>Adds.</summary>
    /// <param name="other">Another cost in the same currency.</param>
    /// <returns>The sum; known if both are.</returns>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    public UsageCost Add(UsageCost other)
    {
        ArgumentNullException.ThrowIfNull(other);
        MicroAmount sum = new MicroAmount(Micros, Currency) + new MicroAmount(other.Micros, other.Currency);
        return new UsageCost(
            sum.Micros, Currency, IsKnown && other.IsKnown, Counts + other.Counts, IsEstimated || other.IsEstimated);
    }
}
