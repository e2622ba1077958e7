using System.Text.Json;

namespace Coach.Payments.Gateways;

/// <summary>
/// Reads Stripe's objects, for every gateway that reaches Stripe, by REST or another way. Unknown fields are skipped; a
/// method answers null when the JSON is not the expected object.
/// </summary>
public static class StripeObjects
{
    private const string SessionPlaceholder = "{CHECKOUT_SESSION_ID}";
    private const long FirstSecondOfYear10000 = 253_402_300_800;

    /// <summary>Reads a price.</summary>
    /// <param name="json">The object.</param>
    /// <param name="serverTime">Stripe's clock when it answered.</param>
    /// <param name="isNew">Whether this very request made it.</param>
    /// <returns>The price, or null.</returns>
    public static GatewayPrice? ReadPrice(JsonElement json, DateTimeOffset serverTime, bool isNew) =>
        json.Text("id") is not { Length: > 0 } id ? null : new GatewayPrice
        {
            Id = id,
            Amount = ReadAmount(json),
            RequestHash = ReadMetadata(json, PaymentMetadata.RequestHash),
            LinkId = ReadMetadata(json, PaymentMetadata.Link),
            CreatedAt = ReadTime(json, "created"),
            ServerTime = serverTime,
            IsNew = isNew,
        };

    /// <summary>Reads a payment link.</summary>
    /// <param name="json">The object.</param>
    /// <param name="isReplay">Whether the answer is the stored one of an earlier request.</param>
    /// <returns>The link, or null: also when its address is no http or https one.</returns>
    public static GatewayLink? ReadLink(JsonElement json, bool isReplay = false)
    {
        bool hasUrl = Uri.TryCreate(json.Text("url"), UriKind.Absolute, out Uri? url)
            && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp);
        return hasUrl && json.Text("id") is { Length: > 0 } id
            ? new GatewayLink { Id = id, Url = url!, IsActive = json.Flag("active") ?? true, IsReplay = isReplay }
            : null;
    }

    /// <summary>Reads a Checkout Session.</summary>
    /// <param name="json">The object.</param>
    /// <returns>The session, or null.</returns>
    public static GatewaySession? ReadSession(JsonElement json)
    {
        if (json.Text("id") is not { Length: > 0 } id)
        {
            return null;
        }

        GatewaySessionState state = ReadState(json.Text("status"), json.Text("payment_status"));
        long? total = json.Number("amount_total");
        string? currency = json.Text("currency")?.ToLowerInvariant();
        JsonElement? details = json.Object("total_details");
        var session = new GatewaySession(id, state, total, currency)
        {
            AmountSubtotal = json.Number("amount_subtotal"),
            Discount = details?.Number("amount_discount") ?? 0,
            Shipping = details?.Number("amount_shipping") ?? 0,
            Tax = details?.Number("amount_tax") ?? 0,
            PaymentIntentId = ReadReference(json, "payment_intent"),
            PayerEmail = json.Object("customer_details")?.Text("email") ?? json.Text("customer_email"),
            CreatedAt = ReadTime(json, "created"),
            IsLive = json.Flag("livemode"),
            Charge = json.Object("payment_intent")?.Object("latest_charge") is { } charge ? ReadCharge(charge) : null,
        };

        // Adaptive Pricing. Since 2025-03-31.basil a session shows the currency the link asks in and, beside it, what
        // the payer saw; before, it showed what the payer saw and, beside it, what the link asks.
        if (json.Object("presentment_details") is { } shown)
        {
            return session with
            {
                PresentedAmount = shown.Number("presentment_amount"),
                PresentedCurrency = shown.Text("presentment_currency")?.ToLowerInvariant(),
            };
        }

        return json.Object("currency_conversion") is not { } source ? session : session with
        {
            AmountTotal = source.Number("amount_total"),
            AmountSubtotal = source.Number("amount_subtotal"),
            Currency = source.Text("source_currency")?.ToLowerInvariant(),
            PresentedAmount = total,
            PresentedCurrency = currency,
        };
    }

    /// <summary>Reads a charge.</summary>
    /// <param name="json">The object.</param>
    /// <returns>The charge, or null.</returns>
    public static GatewayCharge? ReadCharge(JsonElement json)
    {
        if (json.Text("id") is not { Length: > 0 } id)
        {
            return null;
        }

        JsonElement? balance = json.Object("balance_transaction");
        return new GatewayCharge(id)
        {
            PaymentIntentId = ReadReference(json, "payment_intent"),
            CreatedAt = ReadTime(json, "created"),
            Method = json.Object("payment_method_details")?.Text("type"),
            RefundedAmount = json.Number("amount_refunded"),
            Fee = balance?.Number("fee"),
            Net = balance?.Number("net"),
            SettlementCurrency = balance?.Text("currency")?.ToLowerInvariant(),
            Tag = ReadMetadata(json, PaymentMetadata.Tag),
        };
    }

    /// <summary>Reads a refund.</summary>
    /// <param name="json">The object.</param>
    /// <returns>The refund, or null.</returns>
    public static GatewayRefund? ReadRefund(JsonElement json) =>
        json.Text("id") is { Length: > 0 } id && json.Number("amount") is { } amount
            ? new GatewayRefund(id, amount, json.Text("status") ?? "succeeded")
            {
                PaymentIntentId = ReadReference(json, "payment_intent"),
                ChargeId = ReadReference(json, "charge"),
                CreatedAt = ReadTime(json, "created"),
                Key = ReadMetadata(json, PaymentMetadata.Refund),
            }
            : null;

    /// <summary>Reads the objects of a list.</summary>
    /// <param name="json">The list object.</param>
    /// <returns>Its objects in order; null when it is no list.</returns>
    public static IEnumerable<JsonElement>? ReadList(JsonElement json) =>
        json.Items("data")?.Where(static item => item.ValueKind == JsonValueKind.Object);

    /// <summary>Reads the id of another object, whether the reference is expanded or not.</summary>
    /// <param name="json">The object.</param>
    /// <param name="name">The field, such as <c>payment_link</c>.</param>
    /// <returns>The id, or null.</returns>
    public static string? ReadReference(JsonElement json, string name) =>
        json.Text(name) ?? json.Object(name)?.Text("id");

    /// <summary>Reads one entry of an object's metadata.</summary>
    /// <param name="json">The object.</param>
    /// <param name="key">The entry's name.</param>
    /// <returns>The value, or null.</returns>
    public static string? ReadMetadata(JsonElement json, string key) => json.Object("metadata")?.Text(key);

    /// <summary>An address to return to, as Stripe takes it: its placeholder for the session stays unescaped.</summary>
    /// <param name="address">The address; <c>{CHECKOUT_SESSION_ID}</c> in it is Stripe's to fill in.</param>
    /// <returns>The address's text.</returns>
    public static string FormatRedirectUrl(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        string escaped = $"%7B{SessionPlaceholder[1..^1]}%7D";
        return address.AbsoluteUri.Replace(escaped, SessionPlaceholder, StringComparison.OrdinalIgnoreCase);
    }

    private static Money? ReadAmount(JsonElement json) =>
        json.Number("unit_amount") is { } units && Money.TryCreate(units, json.Text("currency"), out Money money)
            ? money
            : null;

    /// <summary>Reads a time.</summary>
    /// <param name="json">The object.</param>
    /// <param name="name">The field, in seconds since 1970.</param>
    /// <returns>The time, or null.</returns>
    public static DateTimeOffset? ReadTime(JsonElement json, string name) =>
        json.Number(name) is { } seconds and > 0 and < FirstSecondOfYear10000
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static GatewaySessionState ReadState(string? status, string? paymentStatus) => status switch
    {
        "complete" when paymentStatus is "paid" or "no_payment_required" => GatewaySessionState.Paid,
        null when paymentStatus is "paid" => GatewaySessionState.Paid,
        "complete" => GatewaySessionState.CompleteUnpaid,
        "expired" => GatewaySessionState.Expired,
        _ => GatewaySessionState.Open,
    };
}
