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
        return new GatewaySession(id, state, json.Number("amount_total"), json.Text("currency")?.ToLowerInvariant());
    }

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

    private static DateTimeOffset? ReadTime(JsonElement json, string name) =>
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
