using Coach.Payments.Gateways;

namespace Coach.Payments.Simulated;

/// <summary>
/// Links that no money can move through. Deterministic: the same operation always gets the same link. Keeps no state:
/// whether a link counts as paid follows from when it was recorded.
/// </summary>
internal sealed class SimulatedGateway(SimulatedOptions options, TimeProvider time) : IPaymentGateway
{
    public const string IdPrefix = "sim_";

    // Stateless on purpose: a restart, another replica and a test then see the same link without a store.
    private readonly string _root = options.BaseUrl.AbsoluteUri.TrimEnd('/') + "/";

    public string Name => "simulated";

    // It keeps nothing, so there is nothing to find; and the same operation has the same link without any search.
    public GatewayCapabilities Capabilities { get; } =
        GatewayCapabilities.Full with
        {
            HasLookupKeys = false,
            CanFindLinks = false,
            CanRefund = true,
            HasSellingOptions = true,
        };

    public GatewayMode Mode => GatewayMode.Simulated;

    public Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken = default) =>
        Done(true, cancellationToken);

    public Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Done(
            new GatewayPrice { Id = $"{IdPrefix}price_{request.LookupKey}", Amount = request.Amount, IsNew = true },
            cancellationToken);
    }

    public Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken = default) =>
        Lacks<GatewayPrice?>("finding a price", cancellationToken);

    public Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Done(LinkOf(IdOf(request.Metadata[PaymentMetadata.Tag])), cancellationToken);
    }

    public Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default) =>
        Lacks<bool>("metadata", cancellationToken);

    public Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken = default) =>
        Lacks<GatewayLink?>("finding a link", cancellationToken);

    public Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken = default) =>
        Done(LinkOf(linkId) with { IsActive = false }, cancellationToken);

    public Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        IReadOnlyList<GatewaySession> sessions = options.PaidAfter is { } after
            && time.GetUtcNow() - query.CreatedAt >= after
            ? [PaidSession(query.LinkId, query.Amount)]
            : [];
        return Done(sessions, cancellationToken);
    }

    /// <summary>The payment of a simulated link: the same whether the clock makes it or a person on the page.</summary>
    public static GatewaySession PaidSession(string linkId, Money amount) =>
        new($"{linkId}_session", GatewaySessionState.Paid, amount.MinorUnits, amount.Currency)
        {
            AmountSubtotal = amount.MinorUnits,
            PaymentIntentId = $"{linkId}_payment",
            IsLive = false,
        };

    public Task<GatewayResult<GatewayRefund>> RefundAsync(
        GatewayRefundRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        string name = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
            System.Text.Encoding.UTF8.GetBytes(request.IdempotencyKey)))[..24];
        return request.MinorUnits is { } amount
            ? Done(new GatewayRefund($"{IdPrefix}refund_{name}", amount, "succeeded")
            {
                PaymentIntentId = request.PaymentIntentId,
                CreatedAt = time.GetUtcNow(),
            }, cancellationToken)
            : Lacks<GatewayRefund>("a refund without an amount", cancellationToken);
    }

    public Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken = default) =>
        Done(new GatewaySession(sessionId, GatewaySessionState.Expired, null, null), cancellationToken);

    private static string IdOf(string tag) => IdPrefix + tag;

    private GatewayLink LinkOf(string id) => new() { Id = id, Url = new Uri(_root + Uri.EscapeDataString(id)) };

    private static Task<GatewayResult<T>> Lacks<T>(string what, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<GatewayResult<T>>(
            new GatewayFailure(GatewayFailureKind.NotSupported, $"Simulated payments do not include {what}."));
    }

    private static Task<GatewayResult<T>> Done<T>(T value, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new GatewayResult<T>(value));
    }
}
