namespace Coach.Payments.Gateways;

/// <summary>What a gateway can promise. What it cannot, the service makes up for or says so.</summary>
/// <remarks>Everything is false unless set: a gateway claims only what it is sure of.</remarks>
public sealed record GatewayCapabilities
{
    /// <summary>Repeating a write with the same idempotency key has one effect. Without it no write of unknown outcome
    /// is repeated: the link is looked for first, and only after
    /// <see cref="CoachPaymentsOptions.SettleDelay"/>.</summary>
    public bool HasIdempotencyKeys { get; init; }

    /// <summary>A price can carry a unique lookup key and be found by it.</summary>
    public bool HasLookupKeys { get; init; }

    /// <summary>Links carry metadata, and <see cref="IPaymentGateway.FindLinkAsync"/> can find one by it.</summary>
    public bool CanFindLinks { get; init; }

    /// <summary>A link can be limited to one completed payment. Without it every link of this gateway is reusable, and
    /// the result says so.</summary>
    public bool HasSingleUse { get; init; }

    /// <summary>A link may have several line items. Without it they are summed up into one.</summary>
    public bool HasLineItems { get; init; }

    /// <summary>A link can be closed.</summary>
    public bool CanDeactivate { get; init; }

    /// <summary>The payments of a link can be listed. Without it the status changes by webhook only.</summary>
    public bool CanListSessions { get; init; }

    /// <summary>A payment can be given back through <see cref="IPaymentGateway.RefundAsync"/>.</summary>
    public bool CanRefund { get; init; }

    /// <summary>Links take <see cref="PaymentLinkOptions"/>, existing prices and products, and quantities the payer may
    /// change. Without it a request that asks for them is refused.</summary>
    public bool HasSellingOptions { get; init; }

    /// <summary>All that making, finding and following a link takes; selling options and refunds come on
    /// top.</summary>
    public static GatewayCapabilities Full { get; } = new()
    {
        HasIdempotencyKeys = true,
        HasLookupKeys = true,
        CanFindLinks = true,
        HasSingleUse = true,
        HasLineItems = true,
        CanDeactivate = true,
        CanListSessions = true,
    };
}
