using System.Text;
using System.Text.Json;

namespace Coach.Rag.Documents.Structured;

/// <summary>Reads Jupyter notebooks: text as Markdown, code as code, results where they are text.</summary>
internal sealed class NotebookReader : IDocumentReader
{
    private const int MaxOutput = 2_000;

    public string Name => "notebook/1";

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".ipynb") || file.MediaType == "application/x-ipynb+json" ? DocumentMatch.Name
            : DocumentMatch.None;

    public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(file.ReadText(out _),
                new JsonDocumentOptions { MaxDepth = file.Limits.MaxNesting });
        }
        catch (JsonException e)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged,
                "is a damaged notebook: it is no JSON, or nested too deep", e);
        }

        using (json)
        {
            var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
            if (json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("metadata", out JsonElement metadata)
                    && metadata.ValueKind == JsonValueKind.Object
                && metadata.TryGetProperty("kernelspec", out JsonElement kernel)
                    && kernel.ValueKind == JsonValueKind.Object
                && kernel.TryGetProperty("language", out JsonElement language)
                    && language.ValueKind == JsonValueKind.String)
            {
                builder.AddMetadata("language", language.GetString());
            }

            foreach (JsonElement cell in Cells(json.RootElement))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await AddAsync(cell, file, builder, cancellationToken).ConfigureAwait(false);
            }

            return builder.Build();
        }
    }

    // Cells stand at the top since format 4, in worksheets before.
    private static IEnumerable<JsonElement> Cells(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("cells", out JsonElement cells)
            && cells.ValueKind == JsonValueKind.Array)
        {
            return cells.EnumerateArray().Where(cell => cell.ValueKind == JsonValueKind.Object);
        }

        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("worksheets", out JsonElement sheets)
            && sheets.ValueKind == JsonValueKind.Array
            ? sheets.EnumerateArray().SelectMany(Cells)
            : throw RagException.DocumentRefused(DocumentRefusal.Damaged, "is no notebook: it has no cells");
    }

    private static async ValueTask AddAsync(JsonElement cell, DocumentFile file, StructuredTextBuilder builder,
        CancellationToken cancellationToken)
    {
        string type = cell.TryGetProperty("cell_type", out JsonElement kind) ? TextOf(kind) : "";
        string source = cell.TryGetProperty("source", out JsonElement text) ? TextOf(text)
            : cell.TryGetProperty("input", out JsonElement input) ? TextOf(input) : "";
        switch (type)
        {
            case "markdown":
                var part = new DocumentFile("cell.md", Encoding.UTF8.GetBytes("\uFEFF" + source), file.Limits);
                builder.AddBlocksOf(
                    WithHeadings(await TextDocumentReaders.All[1].ReadAsync(part, cancellationToken)
                    .ConfigureAwait(false), builder));
                break;
            case "heading":
                builder.AddHeading(cell.TryGetProperty("level", out JsonElement level)
                    && level.TryGetInt32(out int number) ? number : 1, source);
                break;
            case "code":
                builder.AddCode(source);
                AddOutputs(cell, builder);
                break;
            case "raw":
                builder.AddParagraph(source);
                break;
        }
    }

    // A heading at the end of a cell is above the cells that follow.
    private static StructuredText WithHeadings(StructuredText text, StructuredTextBuilder builder)
    {
        TextBlock? last = text.Blocks.Count > 0 ? text.Blocks[^1] : null;
        if (last is not { } bare || !text.Text.AsSpan(bare.Start).TrimStart().StartsWith("#"))
        {
            return text;
        }

        builder.AddBlocksOf(text with { Blocks = [.. text.Blocks.SkipLast(1)] });
        string line = text.Text[bare.Start..bare.End].Trim();
        int level = line.TakeWhile(c => c == '#').Count();
        builder.AddHeading(level, line[level..].Trim());
        return text with { Blocks = [], Metadata = new Dictionary<string, string>(), Notes = [] };
    }

    private static void AddOutputs(JsonElement cell, StructuredTextBuilder builder)
    {
        if (!cell.TryGetProperty("outputs", out JsonElement outputs) || outputs.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        foreach (JsonElement output in outputs.EnumerateArray()
            .Where(output => output.ValueKind == JsonValueKind.Object))
        {
            string text = output.TryGetProperty("text", out JsonElement stream) ? TextOf(stream)
                : output.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Object
                    && data.TryGetProperty("text/plain", out JsonElement plain) ? TextOf(plain) : "";
            builder.AddCode(text.Length > MaxOutput ? text[..MaxOutput] : text);
        }
    }

    // A string, or a list of lines.
    private static string TextOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString() ?? "",
        JsonValueKind.Array =>
            string.Concat(element.EnumerateArray().Where(line => line.ValueKind == JsonValueKind.String)
            .Select(line => line.GetString())),
        _ => "",
    };
}
