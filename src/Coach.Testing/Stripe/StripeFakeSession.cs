namespace Coach.Testing;

/// <summary>A Checkout Session of the fake, as it is now.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LinkId">The link it belongs to.</param>
/// <param name="Status"><c>open</c>, <c>complete</c> or <c>expired</c>.</param>
/// <param name="PaymentStatus"><c>paid</c>, <c>unpaid</c> or <c>no_payment_required</c>.</param>
/// <param name="AmountTotal">What it asks for, in minor units.</param>
/// <param name="Currency">The currency, lower case.</param>
/// <param name="Metadata">A copy of the link's metadata.</param>
public sealed record StripeFakeSession(string Id, string LinkId, string Status, string PaymentStatus, long AmountTotal, string Currency,
    IReadOnlyDictionary<string, string> Metadata);
