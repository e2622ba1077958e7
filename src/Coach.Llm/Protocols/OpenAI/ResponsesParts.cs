using System.Text;
using System.Text.Json;
using Coach.Llm.Providers;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>Texts, pictures and files as the Responses API takes them in messages and in results of tools.</summary>
internal static class ResponsesParts
{
    public static bool IsMedia(AIContent content) => content is DataContent or UriContent or HostedFileContent;

    /// <summary>Writes a part; what is none, nothing.</summary>
    public static void Write(Utf8JsonWriter writer, AIContent content)
    {
        switch (content)
        {
            case TextContent { Text.Length: > 0 } text:
                WriteText(writer, text.Text);
                break;
            case DataContent data when MediaTypes.IsText(data.MediaType):
                WriteText(writer, Encoding.UTF8.GetString(data.Data.Span));
                break;
            case DataContent data when MediaTypes.IsImage(data.MediaType):
                WriteImage(writer, "image_url", MediaTypes.DataUri(data));
                break;
            case DataContent data:
                writer.WriteStartObject();
                writer.WriteString("type", "input_file");
                writer.WriteString("filename", data.Name is { Length: > 0 } name ? name : "document.pdf");
                writer.WriteString("file_data", MediaTypes.DataUri(data));
                writer.WriteEndObject();
                break;
            case UriContent uri when MediaTypes.IsImage(uri.MediaType):
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
        var outcome = ToolOutcome.Of(result, IsTaken);
        if (outcome.Media.Count == 0)
        {
            writer.WriteStringValue(outcome.Text);
            return;
        }

        writer.WriteStartArray();
        if (outcome.Text.Length > 0)
        {
            WriteText(writer, outcome.Text);
        }

        foreach (AIContent media in outcome.Media)
        {
            Write(writer, media);
        }

        writer.WriteEndArray();
    }

    /// <summary>Whether there is a form for content of this type.</summary>
    public static bool IsTaken(string type) =>
        MediaTypes.IsImage(type) || MediaTypes.IsPdf(type) || MediaTypes.IsText(type);

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
