using CsvHelper;

namespace Coach.Rag.Documents.Structured;

/// <summary>Reads CSV and TSV as a table: quoted cells, cells with lines in them, and rows of any length.</summary>
internal sealed class DelimitedTextReader : IDocumentReader
{
    public string Name => "delimited/1";

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".csv", ".tsv", ".tab") || file.MediaType is "text/csv" or "text/tab-separated-values"
            ? DocumentMatch.Name : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
        if (note is not null)
        {
            builder.AddNote(note);
        }

        CsvReaderOptions options = CsvReaderOptions.Default with
        {
            Separator = file.HasExtension(".tsv", ".tab") ? '\t' : Delimiter(text),
            HasHeader = false,
            SkipEmptyLines = true,
            MaxRecordSize = (int)Math.Min(file.Limits.MaxExpandedBytes, 256 << 20),
        };
        try
        {
            using var reader = CsvReader.FromText(text, options);
            builder.AddTable(Rows(reader, cancellationToken));
        }
        catch (Exception e) when (e is CsvFormatException or InvalidDataException)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged, "is damaged: a row of it cannot be read", e);
        }

        return ValueTask.FromResult(builder.Build());
    }

    /// <summary>The rows of a table that stands in another document; those before a damaged one.</summary>
    public static List<List<string>> Rows(string text)
    {
        var rows = new List<List<string>>();
        using var reader = CsvReader.FromText(text, CsvReaderOptions.Default with
        {
            HasHeader = false,
            SkipEmptyLines = true,
        });
        try
        {
            while (reader.Read())
            {
                rows.Add([.. reader.Current.ToArray()]);
            }
        }
        catch (Exception e) when (e is CsvFormatException or InvalidDataException)
        {
            return rows;
        }

        return rows;
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(CsvReader reader, CancellationToken cancellationToken)
    {
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return reader.Current.ToArray();
        }
    }

    // The one that stands most often outside quotes in the first line.
    private static char Delimiter(string text)
    {
        ReadOnlySpan<char> line = text.AsSpan(0, Math.Min(text.Length, 65_536));
        int end = line.IndexOf('\n');
        line = end > 0 ? line[..end] : line;
        (char Mark, int Count) best = (',', 0);
        foreach (char mark in ",;\t|")
        {
            bool isQuoted = false;
            int count = 0;
            foreach (char c in line)
            {
                isQuoted ^= c == '"';
                count += c == mark && !isQuoted ? 1 : 0;
            }

            best = count > best.Count ? (mark, count) : best;
        }

        return best.Mark;
    }
}
