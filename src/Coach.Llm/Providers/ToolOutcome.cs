using System.Text.Json;
using Coach.Llm.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>What a tool gave, as wires need it: text, and the pictures and files with it.</summary>
/// <param name="Text">The text; a value of another type as JSON. Of a failure, what the caller of the tool wrote about
/// it.</param>
/// <param name="Media">Pictures and files.</param>
/// <param name="IsFailure">Whether the tool failed.</param>
internal sealed record ToolOutcome(string Text, IReadOnlyList<AIContent> Media, bool IsFailure)
{
    private const string Failed = "The function failed.";

    public static ToolOutcome Of(FunctionResultContent result)
    {
        bool isFailure = result.Exception is not null;
        List<AIContent> media = [];
        string text = result.Result switch
        {
            null when isFailure => Failed,
            IEnumerable<AIContent> several => string.Join('\n', several.Select(one => Take(one, media)).OfType<string>()),
            AIContent one => Take(one, media) ?? "",
            JsonElement element => OfJson(element, media),
            var value => JsonText.Of(value),
        };
        return new ToolOutcome(isFailure && text.Length == 0 ? Failed : text, media, isFailure);
    }

    private static string? Take(AIContent content, List<AIContent> media)
    {
        switch (content)
        {
            case TextContent text:
                return text.Text;
            case DataContent or UriContent:
                media.Add(content);
                return null;
            default:
                return null;
        }
    }

    // Contents that were stored as JSON and read again have lost their type: a picture is then an object with a data
    // URI, or one that names its type.
    private static string OfJson(JsonElement element, List<AIContent> media)
    {
        JsonElement[] parts = element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray()] : [element];
        if (parts.Length == 0 || !Array.TrueForAll(parts, IsContent))
        {
            return JsonText.Of(element);
        }

        List<string> texts = [];
        foreach (JsonElement part in parts)
        {
            if (part.Text("text") is { } text)
            {
                texts.Add(text);
            }
            else
            {
                media.Add(new DataContent(part.Text("uri")!, MediaTypeIn(part)));
            }
        }

        return string.Join('\n', texts);
    }

    private static string? MediaTypeIn(JsonElement part) => part.Text("mediaType");

    private static bool IsContent(JsonElement part) => part.ValueKind == JsonValueKind.Object
        && ((part.Text("uri")?.StartsWith("data:", StringComparison.OrdinalIgnoreCase) == true && IsDataUri(part))
            || (part.Text("$type") == "text" && part.Text("text") is not null));

    private static bool IsDataUri(JsonElement part)
    {
        try
        {
            _ = new DataContent(part.Text("uri")!, MediaTypeIn(part));
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return false;
        }
    }
}
