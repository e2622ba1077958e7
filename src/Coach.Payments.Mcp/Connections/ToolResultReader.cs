using System.Text.Json;
using Coach.Payments.Gateways;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Connections;

/// <summary>Reads the result of a tool: the JSON it holds, or why it is no success.</summary>
internal static class ToolResultReader
{
    /// <summary>Reads a result.</summary>
    /// <param name="result">What the tool gave.</param>
    /// <param name="maxLength">The longest result, in characters.</param>
    /// <returns>An object or array, or a failure.</returns>
    public static GatewayResult<JsonElement> Read(CallToolResult result, int maxLength)
    {
        string[] texts = [.. result.Content.Select(TextOf).OfType<string>()];
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
            return ToolFailures.OfError(texts.Length > 0 ? string.Join('\n', texts) : structured ?? "");
        }

        // A text may tell about the object that stands beside it: what looks like one of Stripe's goes first.
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

                    found = found is { } other && (IsOfStripe(other) || !IsOfStripe(json)) ? other : json;
                    break;
                case { ValueKind: JsonValueKind.String } sentence when found is null:
                    return ToolFailures.OfSentence(sentence.AsText() ?? "");
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

    /// <summary>What a result says in words, for the log.</summary>
    public static string Said(CallToolResult result) =>
        string.Join('\n', result.Content.Select(TextOf).OfType<string>());

    // Pictures, sounds, links and what a later protocol has besides say nothing here.
    private static string? TextOf(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        EmbeddedResourceBlock { Resource: TextResourceContents text } => text.Text,
        _ => null,
    };

    private static bool IsOfStripe(JsonElement json) => json.ValueKind == JsonValueKind.Array
        || json.Text("object") is not null || json.Text("id") is not null;

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
