namespace Coach.Payments.Links;

/// <summary>The facts of a record, as the host sees them.</summary>
internal static class PaymentFacts
{
    /// <summary>Those that the host has not confirmed, oldest first.</summary>
    public static IReadOnlyList<PaymentFact> Pending(PaymentRecord record) => Of(record, PaymentFactState.Pending);

    /// <summary>Those in one state, oldest first.</summary>
    public static IReadOnlyList<PaymentFact> Of(PaymentRecord record, PaymentFactState state) =>
    [
        .. record.Facts.Where(fact => fact.State == state).Select(fact => PaymentFact.Of(record, fact)),
    ];

    /// <summary>Those in one state that come behind another fact, oldest first.</summary>
    public static IEnumerable<PaymentFact> Of(PaymentRecord record, PaymentFactState state, string afterId) =>
        record.Facts.SkipWhile(fact => PaymentFact.IdOf(record.Tag, fact) != afterId).Skip(1)
            .Where(fact => fact.State == state).Select(fact => PaymentFact.Of(record, fact));

    /// <summary>Replaces one fact by another.</summary>
    public static PaymentRecord Replace(PaymentRecord record, PaymentFactEntry fact, PaymentFactEntry by) =>
        record with { Facts = [.. record.Facts.Select(other => ReferenceEquals(other, fact) ? by : other)] };
}
