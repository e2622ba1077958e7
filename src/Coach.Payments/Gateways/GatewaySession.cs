namespace Coach.Payments.Gateways;

/// <summary>One visit of a payer to a link: Stripe's Checkout Session.</summary>
/// <param name="Id">The provider's id, such as <c>cs_…</c>.</param>
/// <param name="State">How far it got.</param>
/// <param name="AmountTotal">What it asked for, in minor units; null when the provider does not say.</param>
/// <param name="Currency">The ISO 4217 code in lower case; null when the provider does not say.</param>
public sealed record GatewaySession(string Id, GatewaySessionState State, long? AmountTotal, string? Currency);
