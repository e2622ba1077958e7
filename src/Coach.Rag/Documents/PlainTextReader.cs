namespace Coach.Rag.Documents;

/// <summary>Finds paragraphs: runs of lines between blank lines.</summary>
internal sealed class PlainTextReader : IDocumentReader
{
    public string Name => "text";

    public DocumentMatch Match(DocumentFile file)
    {
        bool isNamed = file.HasExtension(".txt", ".text", ".log") || file.MediaType == "text/plain"
            || (file.Extension.Length == 0 && file.MediaType is null && IsText(file.Head));
        return isNamed ? DocumentMatch.Name : DocumentMatch.None;
    }

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        StructuredText read = Read(DocumentReader.WithoutLoneSurrogates(text));
        return ValueTask.FromResult(read with { Notes = DocumentReader.Notes(note) });
    }

    public static StructuredText Read(string text)
    {
        var blocks = new List<TextBlock>();
        AddParagraphs(text, 0, text.Length, "", blocks);
        return new StructuredText(text, "", blocks);
    }

    public static void AddParagraphs(string text, int start, int end, string heading, List<TextBlock> blocks)
    {
        int paragraph = -1;
        int line = start;
        while (line < end)
        {
            int found = text.AsSpan(line, end - line).IndexOf('\n');
            int next = found < 0 ? end : line + found + 1;
            bool blank = text.AsSpan(line, next - line).IsWhiteSpace();
            if (!blank && paragraph < 0)
            {
                paragraph = line;
            }
            else if (blank && paragraph >= 0)
            {
                blocks.Add(new TextBlock(paragraph, line, heading));
                paragraph = -1;
            }

            line = next;
        }

        if (paragraph >= 0)
        {
            blocks.Add(new TextBlock(paragraph, end, heading));
        }
    }

    // README, LICENSE, CHANGES: names without an ending are text if they look like it.
    private static bool IsText(ReadOnlySpan<byte> head)
    {
        int controls = 0;
        foreach (byte b in head)
        {
            controls += b < 32 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f') ? 1 : 0;
        }

        return controls == 0 && !head.IsEmpty;
    }
}
