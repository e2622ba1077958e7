namespace Coach.Payments.Gateways;

/// <summary>
/// The way to a payment provider. Each call is <b>one attempt</b>: retries, time limits over several attempts,
/// idempotency records and fallback are the service's. Failures are values; only the caller's own cancellation is
/// thrown.
/// </summary>
/// <remarks>
/// Every method honours its token at once; the service passes one that also ends when the attempt's time is over, and
/// counts that as <see cref="GatewayFailureKind.TimedOut"/>. Implementations are safe for concurrent use. What a
/// gateway cannot do it answers with <see cref="GatewayFailureKind.NotSupported"/> and says so in
/// <see cref="Capabilities"/>.
/// </remarks>
public interface IPaymentGateway
{
    /// <summary>A name from a closed set, such as <c>stripe</c>, <c>stripe-mcp</c> or <c>simulated</c>.</summary>
    string Name { get; }

    /// <summary>What it can promise. May become known only after the first successful probe; read at each
    /// use.</summary>
    GatewayCapabilities Capabilities { get; }

    /// <summary>What its credentials stand for now. Makes no outside call.</summary>
    GatewayMode Mode { get; }

    /// <summary>Asks, without any effect, whether the provider answers. A refused key or permission proves that it
    /// does.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>True when the key was accepted; a failure of kind <see cref="GatewayFailureKind.Unauthorized"/> when it
    /// was refused.</returns>
    Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken = default);

    /// <summary>Makes a price.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="cancellationToken">Ends the attempt; the price may exist all the same.</param>
    /// <returns>The price, or <see cref="GatewayFailureKind.AlreadyExists"/> when the lookup key is taken.</returns>
    Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken = default);

    /// <summary>Finds a price by its natural key.</summary>
    /// <param name="lookupKey">The key it was made with.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The price, or null when there is none.</returns>
    Task<GatewayResult<GatewayPrice?>> FindPriceAsync(string lookupKey, CancellationToken cancellationToken = default);

    /// <summary>Makes a payment link.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="cancellationToken">Ends the attempt; the link may exist all the same.</param>
    /// <returns>The link. Only an answer that shows it counts as success.</returns>
    Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken = default);

    /// <summary>Writes the link's id into its price's metadata, so that the natural key leads to the link.</summary>
    /// <param name="priceId">The price.</param>
    /// <param name="linkId">The link made from it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>True when it was written. A failure costs only a slower search later.</returns>
    Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default);

    /// <summary>Finds a link by its id, or by its metadata among all of the account's links.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The link, or null when every link was looked at and none is it. A search that could not be completed is
    /// a failure.</returns>
    Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken = default);

    /// <summary>Closes a link, so that nobody can start to pay it. Closing a closed link changes nothing.</summary>
    /// <param name="linkId">The link.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The link.</returns>
    Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(string linkId, CancellationToken cancellationToken = default);

    /// <summary>Lists the payments of a link, whatever their state.</summary>
    /// <param name="query">Which link.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>All of them, newest first; empty when nobody opened the link.</returns>
    Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken = default);

    /// <summary>Ends an open visit, so that it can no longer be paid.</summary>
    /// <param name="sessionId">The visit.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The visit as it is now; <see cref="GatewayFailureKind.Rejected"/> when it was no longer open.</returns>
    Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken = default);

    /// <summary>Gives a payment back, whole or in part.</summary>
    /// <param name="request">What to give back.</param>
    /// <param name="cancellationToken">Ends the attempt; the refund may be made all the same.</param>
    /// <returns>The refund. A gateway that cannot answers <see cref="GatewayFailureKind.NotSupported"/>.</returns>
    Task<GatewayResult<GatewayRefund>> RefundAsync(
        GatewayRefundRequest request, CancellationToken cancellationToken = default) =>
        Task.FromResult<GatewayResult<GatewayRefund>>(new GatewayFailure(
            GatewayFailureKind.NotSupported, $"The gateway '{Name}' cannot give money back."));

    /// <summary>Lists the refunds of a payment.</summary>
    /// <param name="paymentIntentId">The payment.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>All of them. A gateway that cannot answers <see cref="GatewayFailureKind.NotSupported"/>.</returns>
    Task<GatewayResult<IReadOnlyList<GatewayRefund>>> ListRefundsAsync(
        string paymentIntentId, CancellationToken cancellationToken = default) =>
        Task.FromResult<GatewayResult<IReadOnlyList<GatewayRefund>>>(new GatewayFailure(
            GatewayFailureKind.NotSupported, $"The gateway '{Name}' cannot list refunds."));
}
