using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Coach.Rag.Documents.Structured;

/// <summary>Reads JSON and JSON Lines: a paragraph an element, with each value after its path.</summary>
internal sealed class JsonReader : IDocumentReader
{
    public string Name => "json/1";

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".json", ".jsonl", ".ndjson") || file.MediaType is "application/json"
            or "application/x-ndjson"
            ? DocumentMatch.Name : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
        if (note is not null)
        {
            builder.AddNote(note);
        }

        var options = new JsonDocumentOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = file.Limits.MaxNesting,
        };
        if (file.HasExtension(".jsonl", ".ndjson") || file.MediaType == "application/x-ndjson")
        {
            AddLines(text, options, builder, cancellationToken);
        }
        else
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(text, options);
                Add(json.RootElement, builder, cancellationToken);
            }
            catch (JsonException e)
            {
                throw RagException.DocumentRefused(DocumentRefusal.Damaged, string.Create(
                    CultureInfo.InvariantCulture, $"is no JSON from line {e.LineNumber + 1} on, or is nested too deep"),
                        e);
            }
        }

        return ValueTask.FromResult(builder.Build());
    }

    private static void AddLines(string text, JsonDocumentOptions options, StructuredTextBuilder builder,
        CancellationToken cancellationToken)
    {
        int wrong = 0;
        int right = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (line.IsWhiteSpace())
            {
                continue;
            }

            try
            {
                using JsonDocument json = JsonDocument.Parse(line.ToString(), options);
                AddElement(json.RootElement, builder);
                right++;
            }
            catch (JsonException)
            {
                wrong++;
            }
        }

        if (right == 0 && wrong > 0)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged, "is no JSON Lines: none of its lines is JSON");
        }

        if (wrong > 0)
        {
            builder.AddNote(
                string.Create(CultureInfo.InvariantCulture,
                $"holds {wrong} line(s) that are no JSON and were left out"));
        }
    }

    private static void Add(JsonElement root, StructuredTextBuilder builder, CancellationToken cancellationToken)
    {
        switch (root.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (JsonElement element in root.EnumerateArray())
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    AddElement(element, builder);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in root.EnumerateObject())
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    AddProperty(property, builder);
                }

                break;
            default:
                AddElement(root, builder);
                break;
        }
    }

    // A list of objects under a name is a list of things: a paragraph each, under its heading.
    private static void AddProperty(JsonProperty property, StructuredTextBuilder builder)
    {
        if (property.Value.ValueKind == JsonValueKind.Array && property.Value.GetArrayLength() > 0
            && property.Value[0].ValueKind == JsonValueKind.Object)
        {
            builder.AddHeading(1, property.Name);
            foreach (JsonElement element in property.Value.EnumerateArray())
            {
                AddElement(element, builder);
            }

            builder.ClearHeadings();
            return;
        }

        var lines = new StringBuilder();
        Write(property.Name, property.Value, lines);
        builder.AddParagraph(lines.ToString());
    }

    private static void AddElement(JsonElement element, StructuredTextBuilder builder)
    {
        var lines = new StringBuilder();
        Write("", element, lines);
        builder.AddParagraph(lines.ToString());
    }

    private static void Write(string path, JsonElement element, StringBuilder lines)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    Write(path.Length == 0 ? property.Name : $"{path}.{property.Name}", property.Value, lines);
                }

                break;
            case JsonValueKind.Array when element.EnumerateArray()
                .All(each => each.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)):
                Line(path, string.Join(", ", element.EnumerateArray().Select(TextOf)), lines);
                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement each in element.EnumerateArray())
                {
                    Write(string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"), each, lines);
                }

                break;
            default:
                Line(path, TextOf(element), lines);
                break;
        }
    }

    private static string TextOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString() ?? "",
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        _ => element.GetRawText(),
    };

    // A file in a string is no text.
    private static void Line(string path, string value, StringBuilder lines)
    {
        bool isFile = value.StartsWith("data:", StringComparison.Ordinal)
            && value.Contains(";base64,", StringComparison.Ordinal);
        if (!string.IsNullOrWhiteSpace(value) && !isFile)
        {
            lines.Append(path).Append(path.Length > 0 ? ": " : "").Append(value).Append('\n');
        }
    }
}
