using System.Text.Json;

namespace Coach.Llm;

/// <summary>Reads OpenRouter's description of a key: it also tells what the key cannot do.</summary>
internal static class OpenRouterKey
{
    public static ProbeOutcome Judge(ProviderAnswer answer, DateTimeOffset now)
    {
        SuccessShape shape = SuccessShapes.Find(answer, "data", JsonTokenType.StartObject);
        if (shape != SuccessShape.AsExpected || answer.IsTruncated)
        {
            return ProbeOutcome.Of(shape == SuccessShape.AsExpected ? SuccessShape.BrokenOff : shape);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Json);
            return Judge(document.RootElement.GetProperty("data"), now);
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException) // the second: a text that is not Unicode
        {
            return ProbeOutcome.Of(SuccessShape.Foreign);
        }
    }

    private static ProbeOutcome Judge(JsonElement data, DateTimeOffset now)
    {
        DateTimeOffset? expires = data.TryGetProperty("expires_at", out JsonElement end) && end.ValueKind == JsonValueKind.String
            && end.TryGetDateTimeOffset(out DateTimeOffset time) ? time : null;
        if (IsTrue(data, "is_management_key") || IsTrue(data, "is_provisioning_key"))
        {
            return new(KeyStatus.WrongKind, ExpiresAt: expires);
        }

        if (expires <= now)
        {
            return new(KeyStatus.Expired, ExpiresAt: expires);
        }

        bool used = data.TryGetProperty("limit_remaining", out JsonElement left) && left.ValueKind == JsonValueKind.Number
            && left.TryGetDouble(out double amount) && amount <= 0;
        return new(used ? KeyStatus.QuotaExhausted : KeyStatus.Valid, ExpiresAt: expires);
    }

    private static bool IsTrue(JsonElement data, string name) =>
        data.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;
}
