using System.Text.Json;
using Coach.Payments.Gateways;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Connections;

/// <summary>Reads the result of a tool: the JSON it holds, or why it is no success.</summary>
internal static class ToolResultReader
{
    /// <summary>Reads a result.</summary>
    /// <param name="result">What the tool gave.</param>
    /// <param name="key">To redact what it says.</param>
    /// <param name="maxLength">The longest result, in characters.</param>
    /// <returns>An object or array, or a failure.</returns>
    public static GatewayResult<JsonElement> Read(CallToolResult result, StripeMcpKey key, int maxLength)
    {
        string[] texts = [.. result.Content.OfType<TextContentBlock>().Select(static block => block.Text)];
        long length = texts.Sum(static text => (long)text.Length);
        string? structured =
            result.StructuredContent is { ValueKind: JsonValueKind.Object or JsonValueKind.Array } content
            ? content.GetRawText()
            : null;
        if (Math.Max(length, structured?.Length ?? 0) > maxLength)
        {
            return ToolFailures.Bad($"a result of more than {maxLength} characters; raise "
                + "Coach:Payments:Mcp:MaxResultLength if that is right");
        }

        if (result.IsError == true)
        {
            return ToolFailures.OfError(texts.Length > 0 ? string.Join('\n', texts) : structured ?? "", key);
        }

        JsonElement? found = null;
        foreach (string text in structured is null ? texts : [.. texts, structured])
        {
            switch (Parse(text))
            {
                case { ValueKind: JsonValueKind.Object or JsonValueKind.Array } json:
                    if (AsksForApproval(json))
                    {
                        return ToolFailures.Approval();
                    }

                    found ??= json;
                    break;
                case { ValueKind: JsonValueKind.String } sentence when found is null:
                    return ToolFailures.OfSentence(sentence.AsText() ?? "", key);
                case null when found is null && ToolFailures.AsksForApproval(text):
                    return ToolFailures.Approval();
                default:
                    break;
            }
        }

        if (found is { } success)
        {
            return success;
        }

        return ToolFailures.Bad(length == 0 ? "an empty result" : "a result that is no complete JSON");
    }

    // The exact shape is not documented: an object of Stripe's says what it is, a question for approval does not.
    private static bool AsksForApproval(
        JsonElement json) => json.ValueKind == JsonValueKind.Object && json.Text("object") is null
        && (json.TryGetProperty("needs_confirmation", out _) || json.TryGetProperty("human_confirmation", out _)
            || (json.Text("status") is { } status && ToolFailures.AsksForApproval(status)));

    private static JsonElement? Parse(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
