namespace Coach.Payments;

/// <summary>Which records to list.</summary>
/// <param name="Filter">Of what kind.</param>
/// <param name="Limit">The most to return; at least 1.</param>
public sealed record PaymentRecordQuery(PaymentRecordFilter Filter, int Limit)
{
    /// <summary>For <see cref="PaymentRecordFilter.PendingFacts"/>: those that may be handed out at this moment. For
    /// <see cref="PaymentRecordFilter.Expiring"/>: those that are to close by then. Null for all.</summary>
    public DateTimeOffset? Before { get; init; }

    /// <summary>For <see cref="PaymentRecordFilter.All"/>, <see cref="PaymentRecordFilter.DeadFacts"/> and, with
    /// <see cref="AfterCreatedAt"/>, <see cref="PaymentRecordFilter.Open"/>: the last tag of the page before; null for
    /// the first page.</summary>
    public string? AfterTag { get; init; }

    /// <summary>For <see cref="PaymentRecordFilter.Open"/>: when the last record of the page before was made; null for
    /// the first page.</summary>
    public DateTimeOffset? AfterCreatedAt { get; init; }

    /// <summary>For <see cref="PaymentRecordFilter.OfOwner"/>: whose.</summary>
    public string? Owner { get; init; }

    /// <summary>For <see cref="PaymentRecordFilter.PendingFacts"/>: a wait that ends later than this was noted by a
    /// clock that has been set back since, and is over. Null for none.</summary>
    public DateTimeOffset? LatestWait { get; init; }
}
