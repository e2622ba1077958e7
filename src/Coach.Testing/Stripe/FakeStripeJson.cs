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
        json.WriteBoolean("livemode", false);
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

    public static void Session(Utf8JsonWriter json, StripeFakeSession session)
    {
        json.WriteStartObject();
        json.WriteString("id", session.Id);
        json.WriteString("object", "checkout.session");
        json.WriteNumber("amount_total", session.AmountTotal);
        json.WriteNull("client_reference_id");
        json.WriteString("currency", session.Currency);
        json.WriteBoolean("livemode", false);
        Metadata(json, session.Metadata);
        json.WriteString("mode", "payment");
        json.WriteString("payment_link", session.LinkId);
        json.WriteString("payment_status", session.PaymentStatus);
        json.WriteString("status", session.Status);
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
        Action<Utf8JsonWriter> writeObject) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "event");
        json.WriteString("api_version", "2026-07-29.dahlia");
        json.WriteNumber("created", at.ToUnixTimeSeconds());
        json.WriteStartObject("data");
        json.WritePropertyName("object");
        writeObject(json);
        json.WriteEndObject();
        json.WriteBoolean("livemode", false);
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
