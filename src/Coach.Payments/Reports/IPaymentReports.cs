namespace Coach.Payments;

/// <summary>What the records say, for the books. Reads the records alone; the background reconciliation keeps them up
/// to date with the provider.</summary>
public interface IPaymentReports
{
    /// <summary>Sums up links, payments, refunds and fees by day (UTC) and currency.</summary>
    /// <param name="from">The first day.</param>
    /// <param name="to">The last day; at most 3,660 days after the first.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A row a day and currency on which something happened, oldest first. Live and test payments do not mix:
    /// only live ones are in it, unless there are none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The days are in the wrong order or too far apart.</exception>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<IReadOnlyList<PaymentReportRow>> ByDayAsync(
        DateOnly from, DateOnly to, CancellationToken cancellationToken = default);

    /// <summary>Every payment as CSV (RFC 4180), a line each, oldest record first.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="cancellationToken">Ends the wait; what was written stays.</param>
    /// <returns>How many payments were written.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<int> WriteCsvAsync(TextWriter writer, CancellationToken cancellationToken = default);
}
