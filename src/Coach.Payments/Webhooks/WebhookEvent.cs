using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Webhooks;

/// <summary>The parts of a verified event that matter here.</summary>
internal sealed record WebhookEvent(string Id, string Type, string? LinkId, string? Tag, GatewaySession? Session)
{
    private const int LongestText = 255;

    /// <summary>Reads an event; null when the body is no JSON object. One without id or type is an event of no known
    /// kind, with empty texts for them.</summary>
    public static WebhookEvent? Parse(ReadOnlyMemory<byte> body)
    {
        using JsonDocument? document = JsonReading.TryParse(body);
        if (document is not { RootElement: { ValueKind: JsonValueKind.Object } root })
        {
            return null;
        }

        string id = Short(root.Text("id"));
        string type = Short(root.Text("type"));
        bool isOfSession = id.Length > 0 && type.StartsWith("checkout.session.", StringComparison.Ordinal);
        return isOfSession && root.Object("data")?.Object("object") is { } item
            && StripeObjects.ReadSession(item) is { } session
            ? new WebhookEvent(id, type, StripeObjects.ReadReference(item, "payment_link"),
                StripeObjects.ReadMetadata(item, PaymentMetadata.Tag), SessionOf(
                    type, session, item.Text("status") is null))
            : new WebhookEvent(id, type, null, null, null);
    }

    private static string Short(string? text) => text is { Length: <= LongestText } ? text : "";

    // The type adds what the object alone does not show: that a delayed payment failed for good, or, where the object
    // has no status, that the payer finished.
    private static GatewaySession? SessionOf(string type, GatewaySession session, bool hasNoStatus) => type switch
    {
        "checkout.session.completed" when hasNoStatus && session.State == GatewaySessionState.Open =>
            session with { State = GatewaySessionState.CompleteUnpaid },
        "checkout.session.completed" or "checkout.session.async_payment_succeeded" => session,
        "checkout.session.async_payment_failed" when session.State != GatewaySessionState.Paid =>
            session with { State = GatewaySessionState.Failed },
        _ => null,
    };
}
