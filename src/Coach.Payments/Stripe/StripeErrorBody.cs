using System.Text.Json;

namespace Coach.Payments;

/// <summary>Stripe's error object; only <c>type</c> is promised, and a proxy's answer has none of it.</summary>
internal readonly record struct StripeErrorBody(string? Type, string? Code, string? Parameter, string? Message)
{
    public static StripeErrorBody Parse(ReadOnlyMemory<byte> body, string key)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error", out JsonElement error) && error.ValueKind == JsonValueKind.Object
                ? new StripeErrorBody(
                    StripeRedaction.Id(error.Text("type"), key),
                    StripeRedaction.Id(error.Text("code"), key),
                    StripeRedaction.Id(error.Text("param"), key),
                    StripeRedaction.Sentence(error.Text("message"), key))
                : default;
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
