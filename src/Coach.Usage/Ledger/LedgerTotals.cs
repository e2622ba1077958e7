namespace Coach.Usage;

/// <summary>Adds entries up, for stores that do so in the process.</summary>
public static class LedgerTotals
{
    /// <summary>Adds usage up by day, provider, model and currency.</summary>
    /// <param name="entries">Entries of accounts that use; other kinds than <see cref="LedgerEntryKind.Usage"/> are
    /// passed over.</param>
    /// <returns>The totals, the latest day first, then by provider and model. Costs are positive.</returns>
    public static IReadOnlyList<UsageTotal> Sum(IEnumerable<LedgerEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return
        [
            .. entries
                .Where(entry => entry.Kind == LedgerEntryKind.Usage)
                .GroupBy(entry => (
                    Day: DateOnly.FromDateTime(entry.At.UtcDateTime), entry.Provider, entry.Model,
                    entry.Amount.Currency))
                .Select(group => new UsageTotal(
                    group.Key.Day, group.Key.Provider, group.Key.Model,
                    group.Aggregate(default(UsageCounts), (sum, entry) => sum + entry.Counts),
                    group.Aggregate(MicroAmount.Zero(group.Key.Currency), (sum, entry) => sum - entry.Amount),
                    group.LongCount(entry => !entry.IsPriced), group.LongCount(entry => entry.IsEstimated)))
                .OrderByDescending(total => total.Day)
                .ThenBy(total => total.Provider, StringComparer.Ordinal)
                .ThenBy(total => total.Model, StringComparer.Ordinal),
        ];
    }
}
