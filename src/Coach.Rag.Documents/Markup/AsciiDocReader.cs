using System.Globalization;

namespace Coach.Rag.Documents.Markup;

/// <summary>
/// Reads AsciiDoc: titles, listings, tables, lists and paragraphs; comments, attributes, includes and the marks of
/// blocks are no text.
/// </summary>
internal sealed class AsciiDocReader : IDocumentReader
{
    public string Name => "asciidoc/2";

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".adoc", ".asciidoc", ".asc") || file.MediaType == "text/asciidoc" ? DocumentMatch.Name
            : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters, text);
        if (note is not null)
        {
            builder.AddNote(note);
        }

        new Reading(new LineReader(text), builder).Run(cancellationToken);
        return ValueTask.FromResult(builder.Build());
    }

    /// <summary>One document while it is read.</summary>
    private sealed class Reading(LineReader lines, StructuredTextBuilder builder)
    {
        // What "[…]" above the next block says of it.
        private string _attributes = "";

        // Cells that the last one of a table covers.
        private int _covered;

        public void Run(CancellationToken cancellationToken)
        {
            for (int line = 0; line < lines.Count;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int next = Block(line);
                bool isAbove = lines[line].TrimStart() is ['[' or '.', ..] && next == line + 1;
                _attributes = isAbove || lines.IsBlank(line) ? _attributes : "";
                line = next;
            }
        }

        // The line after the block that starts at a line.
        private int Block(int line)
        {
            ReadOnlySpan<char> content = lines[line];
            if (content.IsWhiteSpace())
            {
                return line + 1;
            }

            if (content.StartsWith("////"))
            {
                return Closing(line) + 1;
            }

            if (IsAttribute(content))
            {
                return AttributeEnd(line);
            }

            if (content.StartsWith("//") || IsBreak(content) || IsMacro(line))
            {
                return line + 1;
            }

            int level = TitleLevel(content);
            if (level > 0)
            {
                AddTitle(line, level);
                return line + 1;
            }

            // ".Title of a block"
            if (content.Length > 1 && content[0] == '.' && content[1] is not ('.' or ' '))
            {
                AddWords(TextBlockKind.Paragraph, lines.StartOf(line) + 1, lines.EndOf(line));
                return line + 1;
            }

            return Delimited(line, content);
        }

        private int Delimited(int line, ReadOnlySpan<char> content)
        {
            if (IsFence(content, "----") || IsFence(content, "....") || IsFence(content, "++++")
                || content.StartsWith("```"))
            {
                int end = Closing(line);
                if (content[0] != '+')
                {
                    AddCode(line + 1, end);
                }

                return end + 1;
            }

            if (content.StartsWith("|===") || content.StartsWith(",===") || content.StartsWith("!==="))
            {
                int end = Closing(line);
                AddTable(line + 1, end, content[0]);
                return end + 1;
            }

            if (IsFence(content, "====") || IsFence(content, "****") || IsFence(content, "____")
                || content.TrimEnd().SequenceEqual("--") || content.Trim().SequenceEqual("+"))
            {
                return line + 1;        // what is within is read as it stands
            }

            return Paragraph(line);
        }

        private void AddTitle(int line, int level)
        {
            string words = AsciiDocInline.Words(lines.Text, lines.StartOf(line) + level, lines.EndOf(line)).ToString();
            builder.AddHeading(level, words.Replace("`", "", StringComparison.Ordinal)
                .Replace("*", "", StringComparison.Ordinal));
        }

        private int Paragraph(int line)
        {
            bool isItem = IsItem(lines[line]);
            int end = line + 1;
            while (end < lines.Count && !lines.IsBlank(end) && !IsItem(lines[end]) && TitleLevel(lines[end]) == 0
                && !IsDelimiter(lines[end]) && !lines[end].StartsWith("//") && !IsBlockAttribute(lines[end])
                && !IsTerm(lines[end]))
            {
                end++;
            }

            // Lines that are indented, or said to be a listing, are kept as they stand.
            bool isCode = (!isItem && char.IsWhiteSpace(lines[line][0]) && !IsTerm(lines[line]))
                || _attributes.StartsWith("source", StringComparison.Ordinal)
                || _attributes.StartsWith("listing", StringComparison.Ordinal)
                || _attributes.StartsWith("literal", StringComparison.Ordinal);
            if (isCode)
            {
                AddCode(line, end);
                return end;
            }

            // "Term::" shows one colon.
            int colon = IsTerm(lines[line])
                ? lines.StartOf(line) + lines[line].IndexOf("::", StringComparison.Ordinal)
                : -1;
            if (colon > 0)
            {
                KeptText term = AsciiDocInline.Words(lines.Text, lines.StartOf(line), colon);
                KeptText rest = AsciiDocInline.Words(lines.Text, colon + 1, lines.StartOf(end));
                builder.AddSource(TextBlockKind.ListItem, [.. term.Ranges, .. rest.Ranges]);
                return end;
            }

            AddWords(isItem ? TextBlockKind.ListItem : TextBlockKind.Paragraph, lines.StartOf(line),
                lines.StartOf(end));
            return end;
        }

        private void AddWords(TextBlockKind kind, int start, int end) =>
            builder.AddSource(kind, AsciiDocInline.Words(lines.Text, start, end).Ranges);

        // Code that is included from elsewhere is not there.
        private void AddCode(int from, int end)
        {
            var code = new KeptText(lines.Text, lines.StartOf(from), lines.StartOf(end));
            for (int line = from; line < end; line++)
            {
                ReadOnlySpan<char> content = lines[line].TrimStart();
                if (content.StartsWith("include::") && content.TrimEnd().EndsWith("]"))
                {
                    code.Cut(lines.StartOf(line), lines.StartOf(line + 1));
                }
            }

            builder.AddSource(TextBlockKind.Code, code.Ranges);
        }

        // Cells begin with a bar; how many make a row is said above the table, or by its first line.
        private void AddTable(int from, int to, char mark)
        {
            while (from < to && lines.IsBlank(from))
            {
                from++;
            }

            var cells = new List<string>();
            int columns = Columns();
            for (int line = from; line < to; line++)
            {
                AddCells(line, mark == ',' ? ',' : mark, cells);
                columns = columns == 0 && cells.Count > 0 ? cells.Count + _covered : columns;
            }

            AddCovered(cells);
            if (cells.Count == 0)
            {
                return;
            }

            bool hasHead = _attributes.Contains("header", StringComparison.Ordinal)
                || (lines.IsBlank(from + 1) && !_attributes.Contains("noheader", StringComparison.Ordinal));
            builder.AddTable(cells.Chunk(Math.Max(1, columns)), hasHead ? 1 : 0);
        }

        private void AddCells(int line, char mark, List<string> cells)
        {
            int start = lines.StartOf(line);
            ReadOnlySpan<char> content = lines[line];
            int at = 0;
            if (mark == ',' && content.Length > 0)
            {
                cells.Add("");
            }

            while (at < content.Length)
            {
                int found = Bar(content, at, mark);
                int end = found < 0 ? content.Length : found;
                int words = found < 0 ? end : SpecificationStart(content, at, end, mark);
                Append(cells, start + at, start + words);
                if (found >= 0)
                {
                    AddCovered(cells);
                    cells.Add("");
                    _covered = Span(content[words..end]) - 1;
                }

                at = end + 1;
            }
        }

        private void AddCovered(List<string> cells)
        {
            for (; _covered > 0; _covered--)
            {
                cells.Add("");
            }
        }

        private void Append(List<string> cells, int start, int end)
        {
            string words = AsciiDocInline.Words(lines.Text, start, end).ToString().Trim();
            if (words.Length > 0 && cells.Count > 0)
            {
                cells[^1] = cells[^1].Length == 0 ? words : cells[^1] + " " + words;
            }
        }

        // The number of columns in cols="1,2,1", cols="3*" or cols=2*; 0 when it is not said.
        private int Columns()
        {
            int at = _attributes.IndexOf("cols=", StringComparison.Ordinal);
            if (at < 0)
            {
                return 0;
            }

            ReadOnlySpan<char> value = _attributes.AsSpan(at + 5);
            if (value is ['"' or '\'', ..])
            {
                int close = value[1..].IndexOf(value[0]);
                value = close < 0 ? value[1..] : value[1..(close + 1)];
            }
            else
            {
                int end = value.IndexOfAny(',', ']');
                value = end < 0 ? value : value[..end];
            }

            int columns = 0;
            foreach (Range part in value.Split(','))
            {
                ReadOnlySpan<char> column = value[part].Trim();
                int star = column.IndexOf('*');
                columns += star > 0 && int.TryParse(column[..star], NumberStyles.None, CultureInfo.InvariantCulture,
                    out int many) ? Math.Min(many, 1_000) : 1;
            }

            return columns;
        }

        private int Closing(int line)
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

        private bool IsAttribute(ReadOnlySpan<char> line)
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

        // A value goes on in the next line after a backslash.
        private int AttributeEnd(int line)
        {
            while (line < lines.Count && lines[line].TrimEnd() is [.., '\\'])
            {
                line++;
            }

            return line + 1;
        }

        // include::x[], image::x[], toc::[], ifdef::x[], [source,java], [[anchor]], [.role]
        private bool IsMacro(int line)
        {
            ReadOnlySpan<char> content = lines[line].TrimEnd();
            if (IsBlockAttribute(content))
            {
                _attributes = content[1..^1].ToString();
                if (_attributes is "NOTE" or "TIP" or "WARNING" or "IMPORTANT" or "CAUTION")
                {
                    int start = lines.StartOf(line);
                    AddWords(TextBlockKind.Paragraph, start + 1, start + content.Length - 1);
                }

                return true;
            }

            int at = content.IndexOf("::");
            return at > 0 && content[^1] == ']' && content[..at].IndexOfAny(' ', '\t') < 0
                && content[at..].Contains('[');
        }
    }

    private static bool IsBlockAttribute(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> content = line.TrimEnd();
        return content is ['[', .., ']'] && content[1..^1].IndexOf("](") < 0;
    }

    private static bool IsBreak(ReadOnlySpan<char> line) =>
        line.TrimEnd() is "'''" or "<<<" or "---" or "- - -" or "***";

    // "Term::", alone or before its words.
    private static bool IsTerm(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> content = line.Trim();
        int at = content.IndexOf("::");
        return at > 0 && (at + 2 == content.Length || char.IsWhiteSpace(content[at + 2]));
    }

    private static bool IsDelimiter(ReadOnlySpan<char> line) =>
        IsFence(line, "----") || IsFence(line, "....") || IsFence(line, "====") || IsFence(line, "****")
            || IsFence(line, "____") || line.StartsWith("|===") || line.StartsWith("```")
            || line.TrimEnd().SequenceEqual("--") || line.TrimEnd().SequenceEqual("+");

    // Four or more of one mark, and nothing else.
    private static bool IsFence(ReadOnlySpan<char> line, ReadOnlySpan<char> mark) =>
        line.StartsWith(mark) && line.TrimEnd().IndexOfAnyExcept(mark[0]) < 0;

    private static int TitleLevel(ReadOnlySpan<char> line)
    {
        if (line.IsEmpty || line[0] is not ('=' or '#'))
        {
            return 0;       // Markdown's mark is taken, too
        }

        int level = Math.Max(0, line.IndexOfAnyExcept(line[0]));
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

        // "<1> words" says what a mark in a listing means.
        if (content is ['<', >= '1' and <= '9' or '.', ..] && content[..Math.Min(5, content.Length)].IndexOf("> ") > 0)
        {
            return true;
        }

        bool isNumber = content.Length > 2 && char.IsAsciiDigit(content[0]) && content[..Math.Min(4, content.Length)]
            .IndexOf(". ") > 0;
        return isNumber
            || (content.Length > marks && content[marks] == ' ' && content[0] is '*' or '-' or '.' && marks <= 6);
    }

    // The next bar that is not escaped.
    private static int Bar(ReadOnlySpan<char> line, int from, char mark)
    {
        for (int i = from; i < line.Length; i++)
        {
            if (line[i] == mark && (i == 0 || line[i - 1] != '\\'))
            {
                return i;
            }
        }

        return -1;
    }

    // "2+|", ".3+^.>s|", "a|": how a cell is set stands right before its bar, after a space or at the start.
    private static int SpecificationStart(ReadOnlySpan<char> line, int from, int bar, char mark)
    {
        int start = bar;
        while (mark != ',' && start > from && (char.IsAsciiDigit(line[start - 1])
            || line[start - 1] is '.' or '+' or '*' or '<' or '^' or '>' or 'a' or 'd' or 'e' or 'h' or 'l' or 'm'
                or 's' or 'v'))
        {
            start--;
        }

        bool isApart = start == from ? from == 0 : char.IsWhiteSpace(line[start - 1]);
        bool isShort = bar - start <= 8 && line[start..bar].IndexOfAnyExceptInRange('0', '9') >= 0;
        return isApart && isShort && bar - start > 0 ? start : bar;
    }

    // A cell over columns keeps those after it in theirs.
    private static int Span(ReadOnlySpan<char> specification)
    {
        int mark = specification.IndexOfAny('+', '*');
        return mark > 0 && int.TryParse(specification[..mark], NumberStyles.None, CultureInfo.InvariantCulture,
            out int columns) ? Math.Clamp(columns, 1, 64) : 1;
    }
}
