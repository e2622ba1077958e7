using System.Text.Json;

namespace Coach.Payments;

/// <summary>Reads Stripe's objects; every method answers null when the object is not the expected one.</summary>
internal static class StripeJson
{
    public static string? Text(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.AsText() : null;

    /// <summary>A string's text; null when it is none: half a surrogate pair and bytes that are no UTF-8 get past the parser.</summary>
    public static string? AsText(this JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public static long? Number(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null;

    public static bool? Flag(this JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value)
        ? value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null }
        : null;

    /// <summary>An id, whether the reference is expanded or not.</summary>
    public static string? Reference(this JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value)
        ? value.ValueKind switch { JsonValueKind.String => value.AsText(), JsonValueKind.Object => value.Text("id"), _ => null }
        : null;

    public static string? Metadata(this JsonElement element, string key) =>
        element.TryGetProperty("metadata", out JsonElement metadata) && metadata.ValueKind == JsonValueKind.Object ? metadata.Text(key) : null;

    public static IEnumerable<JsonElement>? List(this JsonElement element) =>
        element.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Array
            ? data.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object)
            : null;

    public static GatewayPrice? Price(JsonElement element, StripeReply reply, bool isNew)
    {
        if (element.Text("id") is not { Length: > 0 } id)
        {
            return null;
        }

        Money? amount = element.Number("unit_amount") is { } units && Money.TryCreate(units, element.Text("currency"), out Money money) ? money : null;
        return new GatewayPrice
        {
            Id = id,
            Amount = amount,
            RequestHash = element.Metadata(PaymentMetadata.RequestHash),
            LinkId = element.Metadata(PaymentMetadata.Link),
            CreatedAt = element.Number("created") is { } created and > 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(created) : null,
            ServerTime = reply.ServerTime,
            IsNew = isNew,
        };
    }

    public static GatewayLink? Link(JsonElement element, StripeReply reply) =>
        element.Text("id") is { Length: > 0 } id && element.Text("url") is { } address
        && Uri.TryCreate(address, UriKind.Absolute, out Uri? url) && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
            ? new GatewayLink { Id = id, Url = url, IsActive = element.Flag("active") ?? true, IsReplay = reply.IsReplay }
            : null;

    public static GatewaySession? Session(JsonElement element) => element.Text("id") is { Length: > 0 } id
        ? new GatewaySession(id, State(element.Text("status"), element.Text("payment_status")), element.Number("amount_total"),
            element.Text("currency")?.ToLowerInvariant())
        : null;

    public static GatewaySessionState State(string? status, string? paymentStatus) => status switch
    {
        "complete" when paymentStatus is "paid" or "no_payment_required" => GatewaySessionState.Paid,
        null when paymentStatus is "paid" => GatewaySessionState.Paid,
        "complete" => GatewaySessionState.CompleteUnpaid,
        "expired" => GatewaySessionState.Expired,
        _ => GatewaySessionState.Open,
    };
}
