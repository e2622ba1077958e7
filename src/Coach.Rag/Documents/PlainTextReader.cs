namespace Coach.Rag.Documents;

/// <summary>Finds paragraphs: runs of lines between blank lines.</summary>
internal static class PlainTextReader
{
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
}
