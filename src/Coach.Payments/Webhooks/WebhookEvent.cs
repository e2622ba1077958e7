using System.Text.Json;

namespace Coach.Payments;

/// <summary>The parts of a verified event that matter here.</summary>
internal sealed record WebhookEvent(string Id, string Type, string? LinkId, string? Tag, GatewaySession? Session)
{
    private const int LongestText = 255;

    /// <summary>Reads an event; null when the body is no JSON object. One without id or type is an event of no known kind, with empty texts for them.</summary>
    public static WebhookEvent? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            if (root.Text("id") is not { Length: > 0 and <= LongestText } id || root.Text("type") is not { Length: > 0 and <= LongestText } type)
            {
                return new WebhookEvent(Short(root.Text("id")), Short(root.Text("type")), null, null, null);
            }

            return type.StartsWith("checkout.session.", StringComparison.Ordinal)
                && root.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Object
                && data.TryGetProperty("object", out JsonElement item) && item.ValueKind == JsonValueKind.Object
                && StripeJson.Session(item) is { } session
                ? new WebhookEvent(id, type, item.Reference("payment_link"), item.Metadata(PaymentMetadata.Tag), SessionOf(type, session, item.Text("status") is null))
                : new WebhookEvent(id, type, null, null, null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Short(string? text) => text is { Length: <= LongestText } ? text : "";

    // The type adds what the object alone does not show: that a delayed payment failed for good, or, where the object has no status, that
    // the payer finished.
    private static GatewaySession? SessionOf(string type, GatewaySession session, bool hasNoStatus) => type switch
    {
        "checkout.session.completed" when hasNoStatus && session.State == GatewaySessionState.Open => session with { State = GatewaySessionState.CompleteUnpaid },
        "checkout.session.completed" or "checkout.session.async_payment_succeeded" => session,
        "checkout.session.async_payment_failed" when session.State != GatewaySessionState.Paid => session with { State = GatewaySessionState.Failed },
        _ => null,
    };
}
