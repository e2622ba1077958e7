using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Webhooks;

/// <summary>The parts of a verified event that matter here. Of the four objects at most one is there.</summary>
internal sealed record WebhookEvent(string Id, string Type)
{
    private const int LongestText = 255;

    /// <summary>Whether it is of live mode; null when it does not say.</summary>
    public bool? IsLive { get; init; }

    /// <summary>The connected account it is of; null for the endpoint's own.</summary>
    public string? Account { get; init; }

    /// <summary>When it happened; null when it does not say.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The link of <see cref="Session"/>.</summary>
    public string? LinkId { get; init; }

    /// <summary>The operation's tag from the object's metadata.</summary>
    public string? Tag { get; init; }

    /// <summary>The caller's operation key from the object's metadata.</summary>
    public string? OperationKey { get; init; }

    public GatewaySession? Session { get; init; }

    public GatewayCharge? Charge { get; init; }

    public GatewayRefund? Refund { get; init; }

    public WebhookDispute? Dispute { get; init; }

    /// <summary>The payment that charge, refund or dispute belong to.</summary>
    public string? PaymentIntentId => Charge?.PaymentIntentId ?? Refund?.PaymentIntentId ?? Dispute?.PaymentIntentId;

    /// <summary>The charge that charge, refund or dispute are about.</summary>
    public string? ChargeId => Charge?.Id ?? Refund?.ChargeId ?? Dispute?.ChargeId;

    /// <summary>Reads an event; null when the body is no JSON object. One without id or type is an event of no known
    /// kind, with empty texts for them.</summary>
    public static WebhookEvent? Parse(ReadOnlyMemory<byte> body)
    {
        using JsonDocument? document = JsonReading.TryParse(body);
        if (document is not { RootElement: { ValueKind: JsonValueKind.Object } root })
        {
            return null;
        }

        var received = new WebhookEvent(Short(root.Text("id")), Short(root.Text("type")))
        {
            IsLive = root.Flag("livemode"),
            Account = root.Text("account") is { Length: > 0 and <= LongestText } account ? account : null,
            CreatedAt = StripeObjects.ReadTime(root, "created"),
        };
        if (received.Id.Length == 0 || root.Object("data")?.Object("object") is not { } item)
        {
            return received;
        }

        received = received with
        {
            Tag = StripeObjects.ReadMetadata(item, PaymentMetadata.Tag),
            OperationKey = StripeObjects.ReadMetadata(item, PaymentMetadata.OperationKey),
        };
        return received.Type switch
        {
            "checkout.session.completed" or "checkout.session.async_payment_succeeded"
                or "checkout.session.async_payment_failed" => OfSession(received, item),
            "charge.succeeded" or "charge.captured" or "charge.updated" or "charge.refunded" =>
                received with { Charge = StripeObjects.ReadCharge(item) },
            "refund.created" or "refund.updated" or "refund.failed" or "charge.refund.updated" =>
                received with { Refund = StripeObjects.ReadRefund(item) },
            "charge.dispute.created" or "charge.dispute.updated" or "charge.dispute.closed"
                or "charge.dispute.funds_withdrawn" or "charge.dispute.funds_reinstated" =>
                received with { Dispute = DisputeOf(received, item) },
            _ => received,
        };
    }

    private static string Short(string? text) => text is { Length: <= LongestText } ? text : "";

    private static WebhookEvent OfSession(WebhookEvent received, JsonElement item)
    {
        if (StripeObjects.ReadSession(item) is not { } session)
        {
            return received;
        }

        return received with
        {
            LinkId = StripeObjects.ReadReference(item, "payment_link"),
            Session = SessionOf(received.Type, session, item.Text("status") is null),
        };
    }

    // The type adds what the object alone does not show: that a delayed payment failed for good, or, where the object
    // has no status, that the payer finished.
    private static GatewaySession? SessionOf(string type, GatewaySession session, bool hasNoStatus) => type switch
    {
        "checkout.session.completed" when hasNoStatus && session.State == GatewaySessionState.Open =>
            session with { State = GatewaySessionState.CompleteUnpaid },
        "checkout.session.async_payment_failed" when session.State != GatewaySessionState.Paid =>
            session with { State = GatewaySessionState.Failed },
        "checkout.session.async_payment_failed" => null,
        _ => session,
    };

    private static bool IsInquiry(string status) =>
        status.StartsWith("warning_", StringComparison.Ordinal) || status is "charge_refunded" or "prevented";

    // warning_closed and the older charge_refunded end an inquiry without a chargeback: the payment stands.
    private static WebhookDispute? DisputeOf(WebhookEvent received, JsonElement item)
    {
        if (item.Text("id") is not { Length: > 0 } id)
        {
            return null;
        }

        PaymentDisputeOutcome outcome = item.Text("status") switch
        {
            "lost" => PaymentDisputeOutcome.Lost,
            "won" or "warning_closed" or "charge_refunded" or "prevented" => PaymentDisputeOutcome.Won,
            _ => PaymentDisputeOutcome.Open,
        };
        return new WebhookDispute(
            id, item.Number("amount") ?? 0, StripeObjects.ReadCurrency(item) ?? "", outcome)
        {
            PaymentIntentId = StripeObjects.ReadPaymentOf(item),
            ChargeId = StripeObjects.ReadReference(item, "charge"),
            IsInquiry = IsInquiry(item.Text("status") ?? ""),
        };
    }
}

/// <summary>A dispute as an event shows it.</summary>
internal sealed record WebhookDispute(string Id, long MinorUnits, string Currency, PaymentDisputeOutcome Outcome)
{
    public string? PaymentIntentId { get; init; }

    public string? ChargeId { get; init; }

    /// <summary>Whether the provider has taken no money for it.</summary>
    public bool IsInquiry { get; init; }

    public PaymentDispute At(DateTimeOffset at) => new(Id, MinorUnits, Currency, Outcome, at)
    {
        IsInquiry = IsInquiry,
    };
}
