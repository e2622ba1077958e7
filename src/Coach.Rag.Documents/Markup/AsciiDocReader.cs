namespace Coach.Rag.Documents.Markup;

/// <summary>
/// Reads AsciiDoc: titles, listings, tables, lists and paragraphs; comments, attributes and includes are no text.
/// </summary>
internal sealed class AsciiDocReader : IDocumentReader
{
    public string Name => "asciidoc/1";

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".adoc", ".asciidoc", ".asc") || file.MediaType == "text/asciidoc" ? DocumentMatch.Name
            : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        var lines = new LineReader(text);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters, text);
        if (note is not null)
        {
            builder.AddNote(note);
        }

        for (int line = 0; line < lines.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            line = Block(lines, line, builder);
        }

        return ValueTask.FromResult(builder.Build());
    }

    // The line after the block that starts at a line.
    private static int Block(LineReader lines, int line, StructuredTextBuilder builder)
    {
        ReadOnlySpan<char> content = lines[line];
        if (content.IsWhiteSpace())
        {
            return line + 1;
        }

        if (content.StartsWith("////"))
        {
            return Closing(lines, line) + 1;
        }

        if (content.StartsWith("//") || IsAttribute(content, builder) || IsMacro(content))
        {
            return line + 1;
        }

        int level = TitleLevel(content);
        if (level > 0)
        {
            builder.AddHeading(level, Plain(content[level..].Trim()));
            return line + 1;
        }

        // ".Title of a block"
        if (content.Length > 1 && content[0] == '.' && content[1] is not ('.' or ' '))
        {
            builder.AddSource(TextBlockKind.Paragraph, [(lines.StartOf(line) + 1)..lines.StartOf(line + 1)]);
            return line + 1;
        }

        if (IsFence(content, "----") || IsFence(content, "....") || IsFence(content, "++++")
            || content.StartsWith("```"))
        {
            int end = Closing(lines, line);
            if (content[0] != '+')
            {
                builder.AddSource(TextBlockKind.Code, [lines.Lines(line + 1, end)]);
            }

            return end + 1;
        }

        if (content.StartsWith("|===") || content.StartsWith(",==="))
        {
            int end = Closing(lines, line);
            Table(lines, line + 1, end, builder);
            return end + 1;
        }

        if (IsFence(content, "====") || IsFence(content, "****") || IsFence(content, "____")
            || content.SequenceEqual("--") || content.Trim().SequenceEqual("+"))
        {
            return line + 1;        // what is within is read as it stands
        }

        return Paragraph(lines, line, builder);
    }

    private static int Paragraph(LineReader lines, int line, StructuredTextBuilder builder)
    {
        bool isItem = IsItem(lines[line]);
        int end = line + 1;
        while (end < lines.Count && !lines.IsBlank(end) && !IsItem(lines[end]) && TitleLevel(lines[end]) == 0
            && !IsDelimiter(lines[end])
            && !lines[end].StartsWith("//"))
        {
            end++;
        }

        // "[[anchor]]" and "anchor:x[]" at its start are no text.
        int start = lines.StartOf(line);
        ReadOnlySpan<char> first = lines[line];
        if (first.StartsWith("[[") && first.IndexOf("]]") is > 0 and int close)
        {
            start += close + 2;
        }

        builder.AddSource(isItem ? TextBlockKind.ListItem : TextBlockKind.Paragraph, [start..lines.StartOf(end)]);
        return end;
    }

    private static void Table(LineReader lines, int from, int to, StructuredTextBuilder builder)
    {
        while (from < to && lines.IsBlank(from))
        {
            from++;
        }

        // A head is one line, or the cells before the first blank line.
        int head = from + 1;
        while (head < to && !lines.IsBlank(head) && !lines.IsBlank(from + 1))
        {
            head++;
        }

        builder.AddSource(
            TextBlockKind.Table, [lines.Lines(from, Math.Min(head, to)), lines.Lines(Math.Min(head, to), to)],
                lines.StartOf(Math.Min(head, to)));
    }

    private static bool IsDelimiter(ReadOnlySpan<char> line) =>
        IsFence(line, "----") || IsFence(line, "....") || IsFence(line, "====") || IsFence(line, "****")
            || IsFence(line, "____")
            || line.StartsWith("|===") || line.StartsWith("```") || line.SequenceEqual("--") || line.SequenceEqual("+");

    // Four or more of one mark, and nothing else.
    private static bool IsFence(ReadOnlySpan<char> line, ReadOnlySpan<char> mark) =>
        line.StartsWith(mark) && line.TrimEnd().IndexOfAnyExcept(mark[0]) < 0;

    private static int Closing(LineReader lines, int line)
    {
        ReadOnlySpan<char> open = lines[line].TrimEnd();
        open = open.StartsWith("```") ? "```" : open;
        for (int end = line + 1; end < lines.Count; end++)
        {
            if (lines[end].TrimEnd().SequenceEqual(open))
            {
                return end;
            }
        }

        return lines.Count;
    }

    // Markdown's "#" is taken, too.
    private static int TitleLevel(ReadOnlySpan<char> line)
    {
        int level = 0;
        while (level < line.Length && line[level] == '=')
        {
            level++;
        }

        return level is > 0 and <= 6 && level + 1 < line.Length && line[level] == ' ' ? level : 0;
    }

    private static bool IsItem(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> content = line.TrimStart();
        int marks = 0;
        while (marks < content.Length && content[marks] == content[0])
        {
            marks++;
        }

        return content.Length > marks && content[marks] == ' ' && content[0] is '*' or '-' or '.' && marks <= 6;
    }

    private static bool IsAttribute(ReadOnlySpan<char> line, StructuredTextBuilder builder)
    {
        int end = line.Length > 2 && line[0] == ':' && (char.IsAsciiLetterOrDigit(line[1]) || line[1] == '!')
            ? line[1..].IndexOf(':') : -1;
        if (end <= 0 || line[1..(end + 1)].Contains(' '))
        {
            return false;
        }

        string name = line[1..(end + 1)].ToString().ToLowerInvariant();
        if (name is "description" or "keywords" or "author" or "revdate" or "date" or "tags")
        {
            builder.AddMetadata(name == "revdate" ? "date" : name, line[(end + 2)..].Trim().ToString());
        }

        return true;
    }

    // include::x[], image::x[], toc::[], ifdef::x[], [source,java], [[anchor]], [.role]
    private static bool IsMacro(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> content = line.TrimEnd();
        if (content is ['[', .., ']'])
        {
            return true;
        }

        int at = content.IndexOf("::");
        return at > 0 && content[^1] == ']' && content[..at].IndexOfAny(' ', '\t') < 0 && content[at..].Contains('[');
    }

    private static string Plain(ReadOnlySpan<char> title)
    {
        string words = title.ToString();
        int anchor = words.IndexOf("[[", StringComparison.Ordinal);
        int end = words.IndexOf("]]", StringComparison.Ordinal);
        words = anchor >= 0 && end > anchor ? words.Remove(anchor, end + 2 - anchor) : words;
        return words.Replace("`", "", StringComparison.Ordinal).Replace("*", "", StringComparison.Ordinal).Trim();
    }
}
