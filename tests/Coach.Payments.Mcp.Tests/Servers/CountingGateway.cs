using Coach.Payments.Gateways;

namespace Coach.Payments.Mcp.Tests;

/// <summary>Passes everything on and knows whether a call is in flight: virtual time must not run while one is being
/// answered.</summary>
internal sealed class CountingGateway(IPaymentGateway inner, Action begins) : IPaymentGateway
{
    private int _inCall;
    private int _started;

    /// <summary>How many calls were ever begun.</summary>
    public int Started => Volatile.Read(ref _started);

    public int InCall => Volatile.Read(ref _inCall);

    public string Name => inner.Name;

    public GatewayCapabilities Capabilities => inner.Capabilities;

    public GatewayMode Mode => inner.Mode;

    public Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.ProbeAsync(cancellationToken));

    public Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.CreatePriceAsync(request, cancellationToken));

    public Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.FindPriceAsync(lookupKey, cancellationToken));

    public Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.CreateLinkAsync(request, cancellationToken));

    public Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.NoteLinkAsync(priceId, linkId, cancellationToken));

    public Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.FindLinkAsync(query, cancellationToken));

    public Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.DeactivateLinkAsync(linkId, cancellationToken));

    public Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.ListSessionsAsync(query, cancellationToken));

    public Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken = default) =>
        CountAsync(() => inner.ExpireSessionAsync(sessionId, cancellationToken));

    private async Task<T> CountAsync<T>(Func<Task<T>> call)
    {
        Interlocked.Increment(ref _started);
        if (Interlocked.Increment(ref _inCall) == 1)
        {
            begins();
        }

        try
        {
            return await call();
        }
        finally
        {
            Interlocked.Decrement(ref _inCall);
        }
    }
}
