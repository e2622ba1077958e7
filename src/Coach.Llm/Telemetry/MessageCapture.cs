using System.Buffers;
using System.Text;
using System.Text.Json;
using Coach.Llm.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Telemetry;

/// <summary>
/// Messages in the JSON form of the GenAI conventions, for spans that may hold them. Keys are masked; the bytes of
/// pictures and the like are left out; texts beyond the limit are cut.
/// </summary>
internal sealed class MessageCapture(Secret key, int maxLength)
{
    private int _left = maxLength;

    /// <summary><c>gen_ai.input.messages</c>: all messages but the system's.</summary>
    public static string Input(IEnumerable<ChatMessage> messages, Secret key, int maxLength) => Text(writer =>
    {
        var capture = new MessageCapture(key, maxLength);
        foreach (ChatMessage message in messages.Where(message => message.Role != ChatRole.System))
        {
            capture.WriteMessage(writer, message, finish: null);
        }
    });

    /// <summary><c>gen_ai.output.messages</c>.</summary>
    public static string Output(ChatResponse response, Secret key, int maxLength) => Text(writer =>
    {
        var capture = new MessageCapture(key, maxLength);
        foreach (ChatMessage message in response.Messages)
        {
            capture.WriteMessage(writer, message, response.FinishReason?.Value ?? "error");
        }
    });

    /// <summary><c>gen_ai.system_instructions</c>; null if there are none.</summary>
    public static string? System(string? instructions, IEnumerable<ChatMessage> messages, Secret key, int maxLength)
    {
        string[] texts =
        [
            .. messages
                .Where(message => message.Role == ChatRole.System)
                .Select(message => message.Text)
                .Prepend(instructions ?? "")
                .Where(text => text.Length > 0),
        ];
        return texts.Length == 0 ? null : Text(writer =>
        {
            var capture = new MessageCapture(key, maxLength);
            foreach (string text in texts)
            {
                capture.WritePart(writer, new TextContent(text));
            }
        });
    }

    private void WriteMessage(Utf8JsonWriter writer, ChatMessage message, string? finish)
    {
        writer.WriteStartObject();
        writer.WriteString("role", message.Role.Value);
        writer.WriteStartArray("parts");
        foreach (AIContent content in message.Contents)
        {
            WritePart(writer, content);
        }

        writer.WriteEndArray();
        if (finish is not null)
        {
            writer.WriteString("finish_reason", finish);
        }

        writer.WriteEndObject();
    }

    private void WritePart(Utf8JsonWriter writer, AIContent content)
    {
        switch (content)
        {
            case TextContent text:
                WritePart(writer, "text", ("content", text.Text));
                break;
            case TextReasoningContent thought when thought.Text.Length > 0:
                WritePart(writer, "reasoning", ("content", thought.Text));
                break;
            case FunctionCallContent call:
                WritePart(
                    writer, "tool_call", ("id", call.CallId), ("name", call.Name),
                    ("arguments", JsonText.OfArguments(call.Arguments)));
                break;
            case FunctionResultContent result:
                WritePart(writer, "tool_call_response", ("id", result.CallId),
                    ("response", result.Exception is null ? JsonText.Of(result.Result) : "The function failed."));
                break;
            case DataContent data:
                WritePart(writer, "blob", ("mime_type", data.MediaType));
                break;
            case UriContent uri:
                WritePart(writer, "uri", ("mime_type", uri.MediaType), ("uri", uri.Uri.GetLeftPart(UriPartial.Path)));
                break;
        }
    }

    private void WritePart(
        Utf8JsonWriter writer, string type, params ReadOnlySpan<(string Name, string? Value)> members)
    {
        writer.WriteStartObject();
        writer.WriteString("type", type);
        foreach ((string name, string? value) in members)
        {
            // Masked before it is cut: half a key is no longer found.
            string text = KeyRedactor.RedactForeign(value, key.Reveal());
            if (text.Length > _left)
            {
                text = string.Concat(text.AsSpan(0, _left), "…");
                writer.WriteBoolean("truncated", true);
            }

            _left = Math.Max(0, _left - text.Length);
            writer.WriteString(name, text);
        }

        writer.WriteEndObject();
    }

    private static string Text(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            write(writer);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
