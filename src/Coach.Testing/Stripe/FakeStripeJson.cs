using System.Text.Json;

namespace Coach.Testing.Stripe;

/// <summary>The fake's objects as Stripe writes them.</summary>
internal static class FakeStripeJson
{
    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream(1024);
        using (var json = new Utf8JsonWriter(stream))
        {
            write(json);
        }

        return stream.ToArray();
    }

    public static byte[] List<T>(string url, IReadOnlyList<T> page, bool hasMore, Action<Utf8JsonWriter, T> write) =>
        Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteString("url", url);
        json.WriteBoolean("has_more", hasMore);
        json.WriteStartArray("data");
        foreach (T item in page)
        {
            write(json, item);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static void Price(Utf8JsonWriter json, StripeFakePrice price)
    {
        json.WriteStartObject();
        json.WriteString("id", price.Id);
        json.WriteString("object", "price");
        json.WriteBoolean("active", price.IsActive);
        json.WriteString("billing_scheme", "per_unit");
        json.WriteNumber("created", price.CreatedAt.ToUnixTimeSeconds());
        json.WriteString("currency", price.Currency);
        json.WriteBoolean("livemode", false);
        json.WriteString("lookup_key", price.LookupKey);
        Metadata(json, price.Metadata);
        json.WriteString("product", price.ProductId);
        json.WriteNull("recurring");
        json.WriteString("type", "one_time");
        json.WriteNumber("unit_amount", price.UnitAmount);
        json.WriteString(
            "unit_amount_decimal", price.UnitAmount.ToString(System.Globalization.CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    public static void Product(Utf8JsonWriter json, string id, string name, string? description)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "product");
        json.WriteBoolean("active", true);
        json.WriteString("description", description);
        json.WriteString("name", name);
        json.WriteEndObject();
    }

    public static void Link(Utf8JsonWriter json, StripeFakeLink link)
    {
        json.WriteStartObject();
        json.WriteString("id", link.Id);
        json.WriteString("object", "payment_link");
        json.WriteBoolean("active", link.IsActive);
        json.WriteStartObject("after_completion");
        json.WriteString("type", link.RedirectUrl is null ? "hosted_confirmation" : "redirect");
        if (link.RedirectUrl is not null)
        {
            json.WriteStartObject("redirect");
            json.WriteString("url", link.RedirectUrl);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteBoolean("allow_promotion_codes", false);
        json.WriteString("currency", link.Currency);
        json.WriteBoolean("livemode", link.IsLive);
        Metadata(json, link.Metadata);
        if (link.CompletedLimit is { } limit)
        {
            json.WriteStartObject("restrictions");
            json.WriteStartObject("completed_sessions");
            json.WriteNumber("count", link.CompletedCount);
            json.WriteNumber("limit", limit);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("restrictions");
        }

        json.WriteString("submit_type", "auto");
        json.WriteString("url", link.Url);
        json.WriteEndObject();
    }

    public static void Session(Utf8JsonWriter json, StripeFakeSession session) => Session(json, session, false);

    /// <summary>A session, with its payment, charge and balance transaction where they are expanded.</summary>
    public static void Session(Utf8JsonWriter json, StripeFakeSession session, bool isWhole)
    {
        // Before 2025-03-31.basil a session shows what the payer saw, and the link's own amount beside it.
        bool isConverted = session is { IsBeforeBasil: true, PresentedCurrency: not null };
        json.WriteStartObject();
        json.WriteString("id", session.Id);
        json.WriteString("object", "checkout.session");
        json.WriteNumber("amount_subtotal", session.AmountSubtotal ?? session.AmountTotal);
        json.WriteNumber("amount_total", isConverted ? session.PresentedAmount!.Value : session.AmountTotal);
        json.WriteNull("client_reference_id");
        json.WriteNumber("created", session.CreatedAt.ToUnixTimeSeconds());
        json.WriteString("currency", isConverted ? session.PresentedCurrency : session.Currency);
        if (isConverted)
        {
            json.WriteStartObject("currency_conversion");
            json.WriteNumber("amount_subtotal", session.AmountSubtotal ?? session.AmountTotal);
            json.WriteNumber("amount_total", session.AmountTotal);
            json.WriteString("fx_rate", "1.1");
            json.WriteString("source_currency", session.Currency);
            json.WriteEndObject();
        }
        else if (session.PresentedCurrency is not null)
        {
            json.WriteStartObject("presentment_details");
            json.WriteNumber("presentment_amount", session.PresentedAmount!.Value);
            json.WriteString("presentment_currency", session.PresentedCurrency);
            json.WriteEndObject();
        }

        if (session.PayerEmail is not null)
        {
            json.WriteStartObject("customer_details");
            json.WriteString("email", session.PayerEmail);
            json.WriteEndObject();
        }

        json.WriteBoolean("livemode", session.IsLive);
        Metadata(json, session.Metadata);
        json.WriteString("mode", "payment");
        json.WritePropertyName("payment_intent");
        if (isWhole && session.PaymentIntentId is not null)
        {
            json.WriteStartObject();
            json.WriteString("id", session.PaymentIntentId);
            json.WriteString("object", "payment_intent");
            json.WritePropertyName("latest_charge");
            if (session.ChargeId is null)
            {
                json.WriteNullValue();
            }
            else
            {
                Charge(json, session, session.Metadata, isWhole: true);
            }

            json.WriteEndObject();
        }
        else
        {
            json.WriteStringValue(session.PaymentIntentId);
        }

        json.WriteString("payment_link", session.LinkId);
        json.WriteString("payment_status", session.PaymentStatus);
        json.WriteString("status", session.Status);
        json.WriteStartObject("total_details");
        json.WriteNumber("amount_discount", session.Discount);
        json.WriteNumber("amount_shipping", 0);
        json.WriteNumber("amount_tax", session.Tax);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The charge of a session.</summary>
    public static void Charge(
        Utf8JsonWriter json, StripeFakeSession session, IReadOnlyDictionary<string, string> metadata, bool isWhole)
    {
        json.WriteStartObject();
        json.WriteString("id", session.ChargeId);
        json.WriteString("object", "charge");
        json.WriteNumber("amount", session.AmountTotal);
        json.WriteNumber("amount_refunded", session.AmountRefunded);
        if (isWhole)
        {
            // 2.9 % and 30 minor units, as the price list of most places has it.
            long fee = (session.AmountTotal * 29 / 1000) + 30;
            json.WriteStartObject("balance_transaction");
            json.WriteString("id", "txn_" + session.ChargeId);
            json.WriteString("object", "balance_transaction");
            json.WriteString("currency", session.Currency);
            json.WriteNumber("fee", fee);
            json.WriteNumber("net", session.AmountTotal - fee);
            json.WriteEndObject();
        }

        json.WriteNumber("created", session.CreatedAt.ToUnixTimeSeconds());
        json.WriteString("currency", session.Currency);
        json.WriteBoolean("livemode", session.IsLive);
        Metadata(json, metadata);
        json.WriteString("payment_intent", session.PaymentIntentId);
        json.WriteStartObject("payment_method_details");
        json.WriteString("type", session.Method);
        json.WriteEndObject();
        json.WriteBoolean("refunded", session.AmountRefunded == session.AmountTotal);
        json.WriteEndObject();
    }

    public static void Refund(Utf8JsonWriter json, StripeFakeRefund refund)
    {
        json.WriteStartObject();
        json.WriteString("id", refund.Id);
        json.WriteString("object", "refund");
        json.WriteNumber("amount", refund.Amount);
        json.WriteString("charge", refund.ChargeId);
        json.WriteNumber("created", refund.CreatedAt.ToUnixTimeSeconds());
        json.WriteString("currency", refund.Currency);
        Metadata(json, refund.Metadata);
        json.WriteString("payment_intent", refund.PaymentIntentId);
        json.WriteString("status", refund.Status);
        json.WriteEndObject();
    }

    public static void Dispute(
        Utf8JsonWriter json, StripeFakeSession session, string id, string status, long amount)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "dispute");
        json.WriteNumber("amount", amount);
        json.WriteString("charge", session.ChargeId);
        json.WriteString("currency", session.Currency);
        json.WriteBoolean("livemode", session.IsLive);
        json.WriteStartObject("metadata");
        json.WriteEndObject();
        json.WriteString("payment_intent", session.PaymentIntentId);
        json.WriteString("reason", "fraudulent");
        json.WriteString("status", status);
        json.WriteEndObject();
    }

    public static byte[] Account() => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", "acct_fake");
        json.WriteString("object", "account");
        json.WriteEndObject();
    });

    public static byte[] Balance() => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("object", "balance");
        json.WriteStartArray("available");
        json.WriteEndArray();
        json.WriteBoolean("livemode", false);
        json.WriteEndObject();
    });

    public static byte[] Event(
        string id, string type, DateTimeOffset at, string? idempotencyKey,
        Action<Utf8JsonWriter> writeObject, bool isLive = false, string? account = null) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "event");
        json.WriteString("api_version", "2026-10-28.endive");
        json.WriteNumber("created", at.ToUnixTimeSeconds());
        json.WriteStartObject("data");
        json.WritePropertyName("object");
        writeObject(json);
        json.WriteEndObject();
        json.WriteBoolean("livemode", isLive);
        if (account is not null)
        {
            json.WriteString("account", account);
        }

        json.WriteNumber("pending_webhooks", 1);
        json.WriteStartObject("request");
        json.WriteNull("id");
        json.WriteString("idempotency_key", idempotencyKey);
        json.WriteEndObject();
        json.WriteString("type", type);
        json.WriteEndObject();
    });

    private static void Metadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject("metadata");
        foreach ((string key, string value) in metadata)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }
}
