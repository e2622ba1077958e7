namespace Coach.Payments;

/// <summary>One dispute of a payment: a chargeback, or the inquiry before one.</summary>
/// <param name="Id">The provider's id, such as <c>dp_…</c>.</param>
/// <param name="MinorUnits">The disputed amount, in minor units of <paramref name="Currency"/>.</param>
/// <param name="Currency">The currency, lower case; empty when the provider does not say.</param>
/// <param name="Outcome">How it stands. A closed dispute never opens again.</param>
/// <param name="At">When the provider said so.</param>
public sealed record PaymentDispute(
    string Id, long MinorUnits, string Currency, PaymentDisputeOutcome Outcome, DateTimeOffset At)
{
    /// <summary>Whether it is the bank's question alone, for which no money was taken. One that becomes a chargeback is
    /// told again.</summary>
    public bool IsInquiry { get; init; }
}
