using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Coach.Llm.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>What a tool gave, as wires need it: text, and the pictures and files with it.</summary>
/// <param name="Text">The text; a value of another type as JSON. Of a failure, what the caller of the tool wrote about
/// it.</param>
/// <param name="Media">Pictures and files of types that the provider takes.</param>
/// <param name="IsFailure">Whether the tool failed.</param>
internal sealed record ToolOutcome(string Text, IReadOnlyList<AIContent> Media, bool IsFailure)
{
    private const string Failed = "The function failed.";

    /// <summary>Reads a result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="accepts">Whether the provider takes content of a media type; what it does not take is named in the
    /// text, because it would be refused with the whole request.</param>
    public static ToolOutcome Of(FunctionResultContent result, Func<string, bool> accepts)
    {
        bool isFailure = result.Exception is not null;
        if (ContentsOf(result.Result) is not { } contents)
        {
            string value = result.Result switch
            {
                null when isFailure => Failed,
                JsonElement { ValueKind: JsonValueKind.String } text => LenientJson.WellFormed(LenientJson.Text(text)!),
                var other => JsonText.Of(other),
            };
            return new ToolOutcome(isFailure && value.Length == 0 ? Failed : value, [], isFailure);
        }

        List<string> texts = [];
        List<AIContent> media = [];
        foreach (AIContent content in contents)
        {
            string? type = (content as DataContent)?.MediaType ?? (content as UriContent)?.MediaType;
            if (content is TextContent text)
            {
                texts.Add(text.Text);
            }
            else if (type is not null && !accepts(type))
            {
                texts.Add($"(content of type {type})");
            }
            else if (type is not null || content is HostedFileContent)
            {
                media.Add(content);
            }
        }

        return new ToolOutcome(string.Join('\n', texts), media, isFailure);
    }

    // Contents are what a tool gave of them, also where the conversation was stored as JSON since: then they say their
    // kind, or are an object with a data URI.
    private static List<AIContent>? ContentsOf(object? value) => value switch
    {
        AIContent content => [content],
        IEnumerable<AIContent> contents => [.. contents],
        JsonElement { ValueKind: JsonValueKind.Object } element => ReadOne(element) is { } content ? [content] : null,
        JsonElement { ValueKind: JsonValueKind.Array } element when element.GetArrayLength() > 0 => ReadAll(element),
        _ => null,
    };

    private static List<AIContent>? ReadAll(JsonElement array)
    {
        List<AIContent> contents = [];
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (ReadOne(element) is not { } content)
            {
                return null;
            }

            contents.Add(content);
        }

        return contents;
    }

    private static AIContent? ReadOne(JsonElement element)
    {
        try
        {
            if (element.Text("$type") is not null)
            {
                return element.Deserialize(
                    (JsonTypeInfo<AIContent>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(AIContent)));
            }

            return element.Text("uri") is { } uri && uri.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
                ? new DataContent(uri, element.Text("mediaType"))
                : null;
        }
        catch (Exception exception) when (
            exception is JsonException or NotSupportedException or ArgumentException or FormatException)
        {
            return null; // another library's objects, with kinds of their own
        }
    }
}
