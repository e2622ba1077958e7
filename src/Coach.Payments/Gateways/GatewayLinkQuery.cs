namespace Coach.Payments.Gateways;

/// <summary>Which link to find: by its id where that is known, otherwise by the metadata it carries.</summary>
/// <param name="Tag">The value of the metadata entry <see cref="PaymentMetadata.Tag"/>.</param>
/// <param name="LinkId">The link's id, or null to look through the account's links.</param>
public sealed record GatewayLinkQuery(string Tag, string? LinkId = null);
