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
            Charge = json.Object("payment_intent") is { } payment ? ReadLatestCharge(payment) : null,
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

        return json.Object("currency_conversion") is not { } source ? session : InSourceCurrency(session with
        {
            PresentedAmount = total,
            PresentedCurrency = currency,
        }, source);
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
            Currency = ReadCurrency(json),
            Method = json.Object("payment_method_details")?.Text("type"),
            RefundedAmount = ReadRefunded(json),
            Fee = balance?.Number("fee"),
            Net = balance?.Number("net"),
            SettlementCurrency = balance?.Text("currency")?.ToLowerInvariant(),
            Tag = ReadMetadata(json, PaymentMetadata.Tag),
        };
    }

    /// <summary>Reads a refund.</summary>
    /// <param name="json">The object.</param>
    /// <returns>The refund, or null: also for what was only authorised and is let go, which moves no money.</returns>
    public static GatewayRefund? ReadRefund(JsonElement json) =>
        json.Text("id") is { Length: > 0 } id && json.Number("amount") is { } amount
        && json.Text("reason") != "expired_uncaptured_charge"
            ? new GatewayRefund(id, amount, json.Text("status") ?? "succeeded")
            {
                PaymentIntentId = ReadPaymentOf(json),
                ChargeId = ReadReference(json, "charge"),
                CreatedAt = ReadTime(json, "created"),
                Currency = ReadCurrency(json),
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

    /// <summary>Reads the currency of an object's amounts, in lower case; null when it is none.</summary>
    internal static string? ReadCurrency(JsonElement json) =>
        json.Text("currency") is { Length: 3 } code && code.All(char.IsAsciiLetter) ? code.ToLowerInvariant() : null;

    /// <summary>Reads the payment that a refund or dispute is about; where it names none, its charge may.</summary>
    internal static string? ReadPaymentOf(JsonElement json) => ReadReference(json, "payment_intent")
        ?? (json.Object("charge") is { } charge ? ReadReference(charge, "payment_intent") : null);

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

    // Versions before 2022-11-15 list a payment's charges, the latest first.
    private static GatewayCharge? ReadLatestCharge(JsonElement payment)
    {
        JsonElement? charge = payment.Object("latest_charge");
        charge ??= payment.Object("charges") is { } list ? ReadList(list)?.Cast<JsonElement?>().FirstOrDefault() : null;
        if (charge is { } whole)
        {
            return ReadCharge(whole);
        }

        return payment.Text("latest_charge") is { Length: > 0 } id
            ? new GatewayCharge(id) { PaymentIntentId = payment.Text("id") }
            : null;
    }

    // What was authorised and not captured stands among what was refunded, though nobody paid it.
    private static long? ReadRefunded(JsonElement json)
    {
        if (json.Number("amount_refunded") is not { } refunded || json.Number("amount") is not { } amount)
        {
            return json.Number("amount_refunded");
        }

        // A charge of a version that does not count what was captured shows 0 of it.
        long counted = json.Number("amount_captured") is > 0 and { } part ? part : amount;
        long captured = json.Flag("captured") == false ? 0 : counted;
        return Math.Max(0, refunded - Math.Max(0, amount - captured));
    }

    // The parts of the total are in the payer's currency alone. Each is converted at the session's own rate, and what
    // rounding leaves goes to the largest of them, so that they add up as they did.
    private static GatewaySession InSourceCurrency(GatewaySession session, JsonElement source)
    {
        long? total = source.Number("amount_total");
        long? subtotal = source.Number("amount_subtotal");
        long[] parts = [session.Discount, session.Shipping, session.Tax];
        long signed = -parts[0] + parts[1];
        bool isTaxAdded = session.PresentedAmount == session.AmountSubtotal + signed + parts[2];
        if (total is { } to && subtotal is { } from && session.AmountSubtotal is > 0 and { } presented)
        {
            for (int i = 0; i < parts.Length; i++)
            {
                parts[i] = Scale(parts[i], from, presented);
            }

            int largest = Array.IndexOf(parts, isTaxAdded ? parts.Max() : Math.Max(parts[0], parts[1]));
            long rest = to - from - (-parts[0] + parts[1] + (isTaxAdded ? parts[2] : 0));
            bool isOfRounding = Math.Abs(rest) <= parts.Length;
            if (parts[largest] > 0 && isOfRounding)
            {
                parts[largest] += largest == 0 ? -rest : rest;
            }
        }

        return session with
        {
            AmountTotal = total,
            AmountSubtotal = subtotal,
            Currency = source.Text("source_currency")?.ToLowerInvariant(),
            Discount = parts[0],
            Shipping = parts[1],
            Tax = parts[2],
        };
    }

    /// <summary>An amount at the rate of two others, rounded half away from zero.</summary>
    internal static long Scale(long amount, long to, long from) =>
        (long)((((Int128)amount * to * 2) + from) / ((Int128)from * 2));

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
