namespace Coach.Payments.Gateways;

/// <summary>Whose payments to list.</summary>
/// <param name="LinkId">The link.</param>
/// <param name="Amount">What the link asks for.</param>
/// <param name="CreatedAt">When the link was recorded here.</param>
public sealed record GatewaySessionQuery(string LinkId, Money Amount, DateTimeOffset CreatedAt)
{
    /// <summary>Whether the charges of the payments are wanted with their fees, where the key may read them.</summary>
    public bool WithCharges { get; init; }
}
