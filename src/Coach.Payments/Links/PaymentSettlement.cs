namespace Coach.Payments;

/// <summary>What a person found out about an operation whose outcome is unknown, where the gateway cannot look for its
/// link itself (<see cref="Gateways.GatewayCapabilities.CanFindLinks"/>).</summary>
public sealed record PaymentSettlement
{
    /// <summary>The operation: <see cref="PaymentLinkRequest.OperationKey"/> of its request.</summary>
    public required string OperationKey { get; init; }

    /// <summary>Whose it is: <see cref="PaymentLinkRequest.Owner"/> of its request.</summary>
    public string? Owner { get; init; }

    /// <summary>The link that was found, such as <c>plink_…</c>; null when none was made.</summary>
    /// <value>1 to 255 letters, digits and <c>_</c>; together with <see cref="Url"/>.</value>
    public string? LinkId { get; init; }

    /// <summary>The link's address; null when none was made.</summary>
    /// <value>An absolute https address.</value>
    public Uri? Url { get; init; }
}
