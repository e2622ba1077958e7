using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>The parts of a candidate: text, thoughts, calls, files.</summary>
internal sealed partial class GeminiStreamDecoder
{
    private void ReadPart(ref Utf8JsonReader reader, ref List<AIContent>? contents)
    {
        string? text = null;
        string? signature = null;
        AIContent? other = null;
        bool isThought = false;
        bool isKnown = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "text"u8))
            {
                reader.Read();
                text = reader.GetString();
                isKnown = true;
            }
            else if (Is(ref reader, "thought"u8))
            {
                reader.Read();
                isThought = reader.GetBoolean();
            }
            else if (Is(ref reader, "thoughtSignature"u8))
            {
                reader.Read();
                signature = reader.GetString();
            }
            else if (Is(ref reader, "functionCall"u8))
            {
                other = ReadCall(ref reader);
                isKnown = true;
            }
            else if (Is(ref reader, "inlineData"u8))
            {
                other = ReadInlineData(ref reader);
                isKnown = true;
            }
            else if (Is(ref reader, "executableCode"u8) || Is(ref reader, "codeExecutionResult"u8)
                || Is(ref reader, "fileData"u8) || Is(ref reader, "functionResponse"u8)
                || Is(ref reader, "toolCall"u8) || Is(ref reader, "toolResponse"u8))
            {
                isKnown = true; // made and consumed by tools that run at Google
                reader.Skip();
            }
            else
            {
                hasUnknown = true;
                reader.Skip();
            }
        }

        Expect(isKnown || !hasUnknown);
        if (other is FunctionCallContent call && signature is not null)
        {
            ProtectedParts.Attach(call, ProtectedParts.Seal(origin, signature));
        }
        else if (isThought || (signature is not null && other is null))
        {
            // A signature on visible text travels behind it, in a part of its own, which Gemini takes back as well.
            if (!isThought && text is { Length: > 0 })
            {
                (contents ??= new List<AIContent>(2)).Add(new TextContent(text));
                text = null;
            }

            other = new TextReasoningContent(text ?? "") { ProtectedData = signature is null ? null : ProtectedParts.Seal(origin, signature) };
        }
        else if (other is null && text is { Length: > 0 })
        {
            other = new TextContent(text);
        }

        if (other is not null)
        {
            (contents ??= new List<AIContent>(1)).Add(other);
        }
    }

    private FunctionCallContent ReadCall(ref Utf8JsonReader reader)
    {
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartObject);
        string? id = null;
        string? name = null;
        Dictionary<string, object?> arguments = [];
        bool hasArguments = false;
        bool hasUnknown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "name"u8))
            {
                reader.Read();
                name = reader.GetString();
            }
            else if (Is(ref reader, "args"u8))
            {
                reader.Read();
                arguments = JsonText.ReadArguments(ref reader);
                hasArguments = true;
            }
            else if (Is(ref reader, "id"u8))
            {
                reader.Read();
                id = reader.GetString();
            }
            else
            {
                hasUnknown = true;
                reader.Skip();
            }
        }

        Expect(name is { Length: > 0 } && (hasArguments || !hasUnknown));
        _hasCalls = true;
        int number = _calls++;
        return new FunctionCallContent(id is { Length: > 0 } ? id : MadeUpId + number.ToString(CultureInfo.InvariantCulture), name!, arguments);
    }

    private static DataContent ReadInlineData(ref Utf8JsonReader reader)
    {
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartObject);
        byte[]? bytes = null;
        string? type = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "data"u8))
            {
                reader.Read();
                bytes = reader.GetBytesFromBase64();
            }
            else if (Is(ref reader, "mimeType"u8))
            {
                reader.Read();
                type = reader.GetString();
            }
            else
            {
                reader.Skip();
            }
        }

        Expect(bytes is not null);
        return new DataContent(bytes, type is { Length: > 0 } ? type : "application/octet-stream");
    }
}
