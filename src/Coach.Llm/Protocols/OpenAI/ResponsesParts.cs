using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Coach.Llm.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>Texts, pictures and files as the Responses API takes them in messages and in results of tools.</summary>
internal static class ResponsesParts
{
    public static bool IsPdf(string mediaType) =>
        mediaType.Equals("application/pdf", StringComparison.OrdinalIgnoreCase);

    public static bool IsMedia(AIContent content) => content is DataContent or UriContent or HostedFileContent;

    /// <summary>Writes a part; what is none, nothing.</summary>
    public static void Write(Utf8JsonWriter writer, AIContent content)
    {
        switch (content)
        {
            case TextContent { Text.Length: > 0 } text:
                WriteText(writer, text.Text);
                break;
            case DataContent data when data.HasTopLevelMediaType("image"):
                WriteImage(writer, "image_url", data.Uri);
                break;
            case DataContent data:
                writer.WriteStartObject();
                writer.WriteString("type", "input_file");
                writer.WriteString("filename", data.Name is { Length: > 0 } name ? name : "file.pdf");
                writer.WriteString("file_data", data.Uri);
                writer.WriteEndObject();
                break;
            case UriContent uri when uri.HasTopLevelMediaType("image"):
                WriteImage(writer, "image_url", uri.Uri.AbsoluteUri);
                break;
            case UriContent uri:
                WriteFile(writer, "file_url", uri.Uri.AbsoluteUri);
                break;
            case HostedFileContent file when file.HasTopLevelMediaType("image"):
                WriteImage(writer, "file_id", file.FileId);
                break;
            case HostedFileContent file:
                WriteFile(writer, "file_id", file.FileId);
                break;
        }
    }

    /// <summary>Writes what a tool gave: a text; or parts, if there are pictures or files in it.</summary>
    public static void WriteResult(Utf8JsonWriter writer, FunctionResultContent result)
    {
        object? value = result.Result;
        if (value is null && result.Exception is not null)
        {
            writer.WriteStringValue("The function failed.");
            return;
        }

        IReadOnlyList<AIContent>? contents = ContentsOf(value);
        if (contents is null)
        {
            writer.WriteStringValue(JsonText.Of(value));
            return;
        }

        if (!contents.Any(IsMedia))
        {
            writer.WriteStringValue(string.Concat(contents.OfType<TextContent>().Select(text => text.Text)));
            return;
        }

        writer.WriteStartArray();
        foreach (AIContent content in contents)
        {
            if (content is DataContent { MediaType: var type } && !IsTaken(type))
            {
                WriteText(writer, $"(content of type {type})"); // refused, and the whole request with it
            }
            else
            {
                Write(writer, content);
            }
        }

        writer.WriteEndArray();
    }

    private static bool IsTaken(string mediaType) =>
        mediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase) || IsPdf(mediaType);

    // Contents are what a tool gave of them, also where the conversation was stored as JSON since: then they say their kind.
    private static IReadOnlyList<AIContent>? ContentsOf(object? value) => value switch
    {
        AIContent content => [content],
        IEnumerable<AIContent> contents => [.. contents],
        JsonElement { ValueKind: JsonValueKind.Object } element when IsContent(element) =>
            Read<AIContent>(element) is { } content ? [content] : null,
        JsonElement { ValueKind: JsonValueKind.Array } element
            when element.GetArrayLength() > 0 && element.EnumerateArray().All(IsContent) =>
            Read<IList<AIContent>>(element) is { } contents ? [.. contents] : null,
        _ => null,
    };

    private static bool IsContent(JsonElement element) => element.Text("$type") is not null;

    private static T? Read<T>(JsonElement element)
        where T : class
    {
        try
        {
            return element.Deserialize((JsonTypeInfo<T>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(T)));
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or ArgumentException)
        {
            return null; // another library's objects, with kinds of their own
        }
    }

    private static void WriteText(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "input_text");
        writer.WriteString("text", text);
        writer.WriteEndObject();
    }

    private static void WriteImage(Utf8JsonWriter writer, string name, string value)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "input_image");
        writer.WriteString("detail", "auto");
        writer.WriteString(name, value);
        writer.WriteEndObject();
    }

    private static void WriteFile(Utf8JsonWriter writer, string name, string value)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "input_file");
        writer.WriteString(name, value);
        writer.WriteEndObject();
    }
}
