using Coach.Payments.Gateways;

namespace Coach.Payments.Tests;

/// <summary>Passes everything on; tests override what is to be different.</summary>
internal abstract class GatewayWrapper(IPaymentGateway inner) : IPaymentGateway
{
    public virtual string Name => inner.Name;

    public virtual GatewayCapabilities Capabilities => inner.Capabilities;

    public virtual GatewayMode Mode => inner.Mode;

    public virtual Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken = default) =>
        inner.ProbeAsync(cancellationToken);

    public virtual Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken = default) =>
        inner.CreatePriceAsync(request, cancellationToken);

    public virtual Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken = default) =>
        inner.FindPriceAsync(lookupKey, cancellationToken);

    public virtual Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken = default) =>
        inner.CreateLinkAsync(request, cancellationToken);

    public virtual Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default) =>
        inner.NoteLinkAsync(priceId, linkId, cancellationToken);

    public virtual Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken = default) =>
        inner.FindLinkAsync(query, cancellationToken);

    public virtual Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken = default) =>
        inner.DeactivateLinkAsync(linkId, cancellationToken);

    public virtual Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken = default) =>
        inner.ListSessionsAsync(query, cancellationToken);

    public virtual Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken = default) =>
        inner.ExpireSessionAsync(sessionId, cancellationToken);
}
