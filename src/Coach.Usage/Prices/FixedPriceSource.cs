namespace Coach.Usage;

/// <summary>Prices that do not change while the process runs.</summary>
/// <param name="table">The prices.</param>
public sealed class FixedPriceSource(PriceTable table) : IPriceSource
{
    /// <inheritdoc />
    public PriceTable Current { get; } = table ?? throw new ArgumentNullException(nameof(table));
}
