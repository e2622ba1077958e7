namespace Coach.Rag.Documents.Markup;

/// <summary>
/// Reads reStructuredText: titles by their adornment, literal blocks, tables, lists and paragraphs; comments, targets
/// and
/// most directives are no text, the words of admonitions are.
/// </summary>
internal sealed class ReStructuredTextReader : IDocumentReader
{
    private const string Adornments = "=-`:'\"~^_*+#<>.!$%&(),/;?@[\\]{|}";

    private static readonly HashSet<string> TextDirectives = new(StringComparer.OrdinalIgnoreCase)
    {
        "note", "tip", "warning", "important", "caution", "danger", "attention", "hint", "error", "seealso",
            "admonition", "topic",
        "sidebar", "versionadded", "versionchanged", "deprecated", "rubric", "epigraph", "highlights", "container",
            "tab", "tabs",
        "list-table", "table", "csv-table", "glossary", "option", "describe", "method", "function", "class",
            "attribute",
    };

    private static readonly HashSet<string> CodeDirectives = new(StringComparer.OrdinalIgnoreCase)
    {
        "code-block", "code", "sourcecode", "parsed-literal", "prompt", "ipython", "doctest", "testcode",
            "productionlist",
    };

    public string Name => "restructuredtext/1";

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".rst", ".rest") || file.MediaType is "text/x-rst" or "text/prs.fallenstein.rst"
            ? DocumentMatch.Name : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        var lines = new LineReader(text);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters, text);
        if (note is not null)
        {
            builder.AddNote(note);
        }

        var order = new List<string>();
        for (int line = 0; line < lines.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            line = Block(lines, line, order, builder);
        }

        return ValueTask.FromResult(builder.Build());
    }

    private static int Block(LineReader lines, int line, List<string> order, StructuredTextBuilder builder)
    {
        if (lines.IsBlank(line))
        {
            return line + 1;
        }

        if (IsTitle(lines, line, out int title, out string style))
        {
            int level = order.IndexOf(style);
            if (level < 0)
            {
                order.Add(style);
                level = order.Count - 1;
            }

            builder.AddHeading(level + 1, lines[title].Trim().ToString().Replace("`", "", StringComparison.Ordinal));
            return title + 2;
        }

        ReadOnlySpan<char> content = lines[line];
        ReadOnlySpan<char> trimmed = content.TrimStart();
        if (trimmed.StartsWith("..") && (trimmed.Length == 2 || trimmed[2] == ' '))
        {
            return Directive(lines, line, builder);
        }

        if (Adornment(trimmed) != '\0' && trimmed.TrimEnd().Length >= 4)
        {
            return line + 1;        // a transition
        }

        return IsTable(lines, line) ? Table(lines, line, builder) : Paragraph(lines, line, builder);
    }

    // A line of one mark below a line of words, as long as it, and the same above it or none.
    private static bool IsTitle(LineReader lines, int line, out int title, out string style)
    {
        (title, style) = (line, "");
        char over = Adornment(lines[line].TrimEnd());
        if (over != '\0')
        {
            bool isOver = !lines.IsBlank(line + 1) && lines[line + 2].TrimEnd().SequenceEqual(lines[line].TrimEnd())
                && lines[line + 1].Trim().Length <= lines[line].TrimEnd().Length + 2
                    && Adornment(lines[line + 1].Trim()) == '\0';
            (title, style) = (line + 1, $"{over}{over}");
            return isOver;
        }

        char under = Adornment(lines[line + 1].TrimEnd());
        style = under.ToString();
        return under != '\0' && lines[line + 1].TrimEnd().Length >= Math.Min(lines[line].Trim().Length, 3)
            && lines[line].Length > 0
            && !char.IsWhiteSpace(lines[line][0]) && lines[line + 1].TrimEnd().Length + 2 >= lines[line].Trim().Length;
    }

    private static char Adornment(ReadOnlySpan<char> line) =>
        line.Length > 1 && Adornments.Contains(line[0], StringComparison.Ordinal) && line.IndexOfAnyExcept(line[0]) < 0
            ? line[0] : '\0';

    private static int Directive(LineReader lines, int line, StructuredTextBuilder builder)
    {
        int indent = LineReader.Indent(lines[line]);
        ReadOnlySpan<char> content = lines[line].TrimStart()[2..].TrimStart();
        int end = BodyEnd(lines, line + 1, indent);
        int mark = content.IndexOf("::");
        string name = mark > 0 && content[..mark].IndexOf(' ') < 0 ? content[..mark].ToString() : "";
        name = name[(name.LastIndexOf(':') + 1)..];
        int body = Options(lines, line + 1, end, name, builder);
        if (CodeDirectives.Contains(name))
        {
            while (body < end && lines.IsBlank(body))
            {
                body++;
            }

            builder.AddSource(TextBlockKind.Code, [lines.Lines(body, end)]);
            return end;
        }

        if (!TextDirectives.Contains(name))
        {
            bool isSubstitution = content.StartsWith("[") && content.IndexOf(']') > 0;     // a footnote or a citation
            if (isSubstitution)
            {
                builder.AddSource(TextBlockKind.Paragraph, [lines.Lines(line, end)]);
            }

            return mark > 0 || content.IsEmpty || content[0] is '_' or '|' || !isSubstitution ? end : line + 1;
        }

        int words = lines.StartOf(line) + lines[line].IndexOf("::", StringComparison.Ordinal) + 2;
        builder.AddSource(TextBlockKind.Paragraph, [words..lines.StartOf(line + 1)]);
        return body;
    }

    // ":name: value" lines below a directive are not its text; those of the document are metadata.
    private static int Options(LineReader lines, int from, int end, string name, StructuredTextBuilder builder)
    {
        while (from < end && lines[from].TrimStart() is [':', _, ..] && lines[from].TrimStart()[1..].Contains(':'))
        {
            if (name == "meta" && lines[from].Trim()[1..] is var option && option.IndexOf(':') is > 0 and int colon)
            {
                builder.AddMetadata(option[..colon].ToString().ToLowerInvariant(), option[(colon + 1)..].Trim()
                    .ToString());
            }

            from++;
        }

        return from;
    }

    private static int BodyEnd(LineReader lines, int from, int indent)
    {
        int end = from;
        for (int line = from; line < lines.Count; line++)
        {
            if (lines.IsBlank(line))
            {
                continue;
            }

            if (LineReader.Indent(lines[line]) <= indent)
            {
                break;
            }

            end = line + 1;
        }

        return end;
    }

    private static int Paragraph(LineReader lines, int line, StructuredTextBuilder builder)
    {
        int end = line + 1;
        bool isItem = IsItem(lines[line]);
        while (end < lines.Count && !lines.IsBlank(end) && !IsItem(lines[end]) && !IsTitle(lines, end, out _, out _)
            && !lines[end].TrimStart().StartsWith(".. "))
        {
            end++;
        }

        bool isLead = lines[end - 1].TrimEnd().EndsWith("::");
        builder.AddSource(isItem ? TextBlockKind.ListItem : TextBlockKind.Paragraph, [lines.Lines(line, end)]);
        if (!isLead)
        {
            return end;
        }

        // "::" at the end of a paragraph: what is indented below it is literal.
        int body = BodyEnd(lines, end, LineReader.Indent(lines[end - 1]));
        int first = end;
        while (first < body && lines.IsBlank(first))
        {
            first++;
        }

        builder.AddSource(TextBlockKind.Code, [lines.Lines(first, body)]);
        return Math.Max(end, body);
    }

    private static bool IsItem(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> content = line.TrimStart();
        return content is ['-' or '*' or '+', ' ', ..]
            || (content.Length > 2 && content[0] == '#' && content[1] == '.' && content[2] == ' ')
            || (content.Length > 3 && char.IsAsciiDigit(content[0]) && content[..4].IndexOf(". ") > 0);
    }

    // +---+---+ or ===  ===
    private static bool IsTable(LineReader lines, int line)
    {
        ReadOnlySpan<char> content = lines[line].Trim();
        return (content.Length > 3 && content.IndexOfAnyExcept("+-=") < 0 && content[0] == '+')
            || (content.Length > 3 && content[0] == '=' && content.IndexOfAnyExcept("= ") < 0 && content.Contains(' '));
    }

    private static int Table(LineReader lines, int line, StructuredTextBuilder builder)
    {
        bool isGrid = lines[line].TrimStart()[0] == '+';
        int end = line + 1;
        int head = 0;
        int borders = 1;
        for (; end < lines.Count && !(isGrid && lines.IsBlank(end)); end++)
        {
            ReadOnlySpan<char> content = lines[end].Trim();
            bool isBorder = content.Length > 2 && content[0] == (isGrid ? '+' : '=')
                && content.IndexOfAnyExcept(isGrid ? "+-=" : "= ") < 0;
            if (isBorder)
            {
                borders++;
                bool isHead = isGrid ? content.Contains('=') : borders == 2;
                head = isHead && head == 0 ? end + 1 : head;
                if (!isGrid && (borders == 3 || lines.IsBlank(end + 1)))
                {
                    end++;
                    break;
                }
            }
        }

        Range[] ranges = head > 0 && head < end ? [lines.Lines(line, head), lines.Lines(head, end)]
            : [lines.Lines(line, end)];
        builder.AddSource(TextBlockKind.Table, ranges, head > 0 && head < end ? lines.StartOf(head) : 0);
        return end;
    }
}
