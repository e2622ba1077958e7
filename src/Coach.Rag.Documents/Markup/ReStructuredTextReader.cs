using System.Collections.Frozen;
using System.Globalization;

namespace Coach.Rag.Documents.Markup;

/// <summary>
/// Reads reStructuredText: titles by their adornment, literal blocks, tables, lists and paragraphs. Comments, targets
/// and directives that show no words of their own are no text; what any other directive holds is, whether it is known
/// or not.
/// </summary>
internal sealed class ReStructuredTextReader : IDocumentReader
{
    private const string Adornments = "=-`:'\"~^_*+#<>.!$%&(),/;?@[\\]{|}";

    // What these show stands elsewhere, or is no text.
    private static readonly FrozenSet<string> SilentDirectives = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "toctree", "image", "include", "literalinclude", "raw", "highlight", "highlightlang", "index", "contents",
        "currentmodule", "meta", "tabularcolumns", "default-role", "role", "default-domain", "sectnum", "header",
        "footer", "target-notes", "bibliography", "inheritance-diagram", "sectionauthor", "codeauthor", "rst-class",
        "cssclass", "testsetup", "testcleanup", "autosummary", "video", "youtube", "iframe", "jinja", "module",
        "restructuredtext-test-directive", "date", "unicode", "local-contents", "minigallery", "todolist", "plot");

    private static readonly FrozenSet<string> CodeDirectives = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "code-block", "code", "sourcecode", "parsed-literal", "prompt", "ipython", "ipython3", "doctest", "testcode",
        "testoutput", "productionlist", "code-tab", "grammar-snippet", "math", "mermaid", "graphviz", "digraph",
        "graph", "uml", "jupyter-execute", "console", "terminal", "code-cell", "djangotemplate");

    // The words after these go on below them.
    private static readonly FrozenSet<string> Admonitions = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "note", "tip", "warning", "important", "caution", "danger", "attention", "hint", "error", "seealso");

    // The name says something about the words: "deprecated 2.0".
    private static readonly FrozenSet<string> NamedDirectives = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "versionadded", "versionchanged", "versionremoved", "deprecated", "deprecated-removed");

    // What stands after these is a setting, not words.
    private static readonly FrozenSet<string> SetDirectives = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "only", "ifconfig", "container", "hlist", "figure", "grid", "tab-set", "tabs", "column", "columns", "panels",
        "div");

    // A description has its value as an option.
    private static readonly string[] ShownOptions = ["type", "default", "required"];

    private static readonly string[] TitleOptions = ["caption", "title"];

    public string Name => "restructuredtext/2";

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

        new Reading(lines, builder).Run(cancellationToken);
        return ValueTask.FromResult(builder.Build());
    }

    /// <summary>One document while it is read.</summary>
    private sealed class Reading(LineReader lines, StructuredTextBuilder builder)
    {
        private readonly ReStructuredTextInline _inline = new(lines);
        private readonly ReStructuredTextTables _tables = new(lines, builder);
        private readonly List<string> _order = [];

        public void Run(CancellationToken cancellationToken)
        {
            for (int line = 0; line < lines.Count;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                line = Block(line);
            }
        }

        private int Block(int line)
        {
            if (lines.IsBlank(line))
            {
                return line + 1;
            }

            if (IsTitle(lines, line, out int title, out string style))
            {
                AddTitle(title, style);
                return title + 2;
            }

            ReadOnlySpan<char> trimmed = lines[line].TrimStart();
            if (trimmed.StartsWith("..") && (trimmed.Length == 2 || trimmed[2] == ' '))
            {
                return Directive(line);
            }

            if (Adornment(trimmed) != '\0' && trimmed.TrimEnd().Length >= 4)
            {
                return line + 1;        // a transition
            }

            if (IsAboutTheFile(trimmed) || trimmed.StartsWith("__ "))
            {
                return line + 1;
            }

            if (trimmed.StartsWith(">>> "))
            {
                return Session(line);
            }

            return ReStructuredTextTables.IsTable(trimmed) ? _tables.Add(line, _inline) : Paragraph(line);
        }

        private void AddTitle(int title, string style)
        {
            int level = _order.IndexOf(style);
            if (level < 0)
            {
                _order.Add(style);
                level = _order.Count - 1;
            }

            string words = _inline.Words(lines.StartOf(title), lines.EndOf(title)).ToString();
            builder.AddHeading(level + 1, words.Replace("`", "", StringComparison.Ordinal));
        }

        private int Directive(int line)
        {
            int indent = LineReader.Indent(lines[line]);
            ReadOnlySpan<char> content = lines[line].TrimStart()[2..].TrimStart();
            int end = BodyEnd(line + 1, indent);
            int mark = content.IndexOf("::");
            string name = mark > 0 && content[..mark].IndexOf(' ') < 0 ? content[..mark].ToString() : "";
            name = name[(name.LastIndexOf(':') + 1)..];
            if (name.Length == 0)
            {
                return Note(line, end, content);
            }

            bool isSilent = SilentDirectives.Contains(name) || name.StartsWith("auto", StringComparison.Ordinal);
            var options = new Dictionary<string, Range>(StringComparer.OrdinalIgnoreCase);
            int body = Options(line + 1, end, options);
            if (name == "meta")
            {
                AddMetadata(options);
            }

            if (isSilent)
            {
                return end;
            }

            foreach (string title in TitleOptions.Where(options.ContainsKey))
            {
                AddWords(options[title].Start.Value, options[title].End.Value);
            }

            if (CodeDirectives.Contains(name))
            {
                AddCode(body, end);
                return end;
            }

            if (IsDescription(name) && body < end)
            {
                return Description(line, body, end, options);
            }

            body = Arguments(line, body, end, name);
            return name is "list-table" or "csv-table" ? _tables.AddDirective(name, body, end, options, _inline) : body;
        }

        // What stands after the mark of a directive, and for some goes on below it.
        private int Arguments(int line, int body, int end, string name)
        {
            int mark = lines.StartOf(line) + lines[line].IndexOf("::", StringComparison.Ordinal);
            bool isEmpty = body >= end && !NamedDirectives.Contains(name) && !Admonitions.Contains(name)
                && name is not ("rubric" or "centered");
            if (isEmpty || SetDirectives.Contains(name))
            {
                return body;
            }

            int to = line + 1;
            while (Admonitions.Contains(name) && to == body && to < end && !lines.IsBlank(to))
            {
                body = ++to;
            }

            if (!NamedDirectives.Contains(name))
            {
                AddWords(mark + 2, lines.EndOf(to - 1));
                return body;
            }

            var words = new KeptText(lines.Text, mark - name.Length, lines.EndOf(line));
            words.Cut(mark, mark + 2);
            builder.AddSource(TextBlockKind.Paragraph, words.Ranges);
            return body;
        }

        // A footnote or a citation has words; a comment, a target and a substitution have none.
        private int Note(int line, int end, ReadOnlySpan<char> content)
        {
            if (content.StartsWith("[") && content.IndexOf(']') > 0)
            {
                int start = lines.StartOf(line) + lines[line].IndexOf('[');
                AddWords(start, lines.StartOf(end));
            }

            return end;
        }

        // ":name: value" lines below a directive, each with what is indented below it.
        private int Options(int from, int end, Dictionary<string, Range> options)
        {
            while (from < end && lines[from].TrimStart() is [':', not ':', ..] option
                && option[1..].IndexOf(':') is > 0 and int colon && !IsRole(option, colon + 1))
            {
                int start = lines.StartOf(from) + LineReader.Indent(lines[from]) + colon + 2;
                int indent = LineReader.Indent(lines[from]);
                string name = option[1..(colon + 1)].ToString();
                from++;
                while (from < end && !lines.IsBlank(from) && LineReader.Indent(lines[from]) > indent)
                {
                    from++;
                }

                options.TryAdd(name, start..lines.EndOf(from - 1));
            }

            return from;
        }

        private static bool IsRole(ReadOnlySpan<char> option, int colon) =>
            colon + 1 < option.Length && option[colon + 1] == '`';

        private void AddMetadata(Dictionary<string, Range> options)
        {
            foreach ((string name, Range value) in options)
            {
                builder.AddMetadata(name.ToLowerInvariant(), lines.Text[value].Trim());
            }
        }

        // "function", "confval" and whatever a project calls its own: what is described, and how.
        private static bool IsDescription(string name) =>
            !Admonitions.Contains(name) && !NamedDirectives.Contains(name) && !SetDirectives.Contains(name)
                && name is not ("list-table" or "csv-table" or "table" or "rubric" or "centered" or "glossary"
                    or "admonition" or "dropdown" or "topic" or "sidebar" or "tab" or "tab-item" or "card");

        // What is described stands in one block with its type, its default and the first words about it.
        private int Description(int line, int body, int end, Dictionary<string, Range> options)
        {
            int mark = lines.StartOf(line) + lines[line].IndexOf("::", StringComparison.Ordinal) + 2;
            List<Range> words = [.. _inline.Words(mark, lines.StartOf(line + 1)).Ranges];
            foreach (string name in options.Keys.Where(name => ShownOptions.Contains(name)))
            {
                int start = options[name].Start.Value - name.Length - 1;
                words.AddRange(_inline.Words(start, options[name].End.Value).Ranges);
                words.Add(options[name].End.Value..(options[name].End.Value + 1));
            }

            int first = body;
            while (first < end && lines.IsBlank(first))
            {
                first++;
            }

            int last = first;
            while (last < end && !lines.IsBlank(last) && !IsItem(lines[last])
                && !lines[last].TrimStart().StartsWith("..") && !ReStructuredTextTables.IsTable(lines[last].TrimStart())
                && !lines[last].TrimEnd().EndsWith("::"))
            {
                last++;
            }

            // Words that lead to a block belong to it.
            bool isWhole = last >= end || lines.IsBlank(last);
            if (isWhole && last > first)
            {
                words.AddRange(_inline.Words(lines.StartOf(first), lines.StartOf(last)).Ranges);
            }

            builder.AddSource(TextBlockKind.Paragraph, words);
            return isWhole ? last : first;
        }

        private int BodyEnd(int from, int indent)
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

        // An interpreter's session goes on to the next blank line.
        private int Session(int line)
        {
            int end = line;
            while (end < lines.Count && !lines.IsBlank(end))
            {
                end++;
            }

            AddCode(line, end);
            return end;
        }

        private void AddCode(int from, int end)
        {
            while (from < end && lines.IsBlank(from))
            {
                from++;
            }

            builder.AddSource(TextBlockKind.Code, [lines.Lines(from, end)]);
        }

        private int Paragraph(int line)
        {
            int end = line + 1;
            bool isItem = IsItem(lines[line]);
            while (end < lines.Count && !lines.IsBlank(end) && !IsItem(lines[end])
                && !IsTitle(lines, end, out _, out _) && !lines[end].TrimStart().StartsWith(".. "))
            {
                end++;
            }

            bool isLead = lines[end - 1].TrimEnd().EndsWith("::");
            KeptText words = _inline.Words(lines.StartOf(line), lines.StartOf(end));
            if (isLead)
            {
                // "words::" shows one colon, "words ::" and "::" none.
                int colons = lines.StartOf(end - 1) + lines[end - 1].TrimEnd().Length - 2;
                bool isApart = colons == lines.StartOf(line) || char.IsWhiteSpace(lines.Text[colons - 1]);
                words.Cut(isApart ? colons : colons + 1, colons + 2);
            }

            builder.AddSource(isItem ? TextBlockKind.ListItem : TextBlockKind.Paragraph, words.Ranges);
            if (!isLead)
            {
                return end;
            }

            // What is indented below it is literal.
            int body = BodyEnd(end, LineReader.Indent(lines[end - 1]));
            AddCode(end, body);
            return Math.Max(end, body);
        }

        private void AddWords(int start, int end) =>
            builder.AddSource(TextBlockKind.Paragraph, _inline.Words(start, end).Ranges);
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
            (title, style) = (line + 1, string.Create(CultureInfo.InvariantCulture, $"{over}{over}"));
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

    private static bool IsAboutTheFile(ReadOnlySpan<char> line) =>
        line.StartsWith(":orphan:") || line.StartsWith(":tocdepth:") || line.StartsWith(":nosearch:")
            || line.StartsWith(":nocomments:");

    private static bool IsItem(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> content = line.TrimStart();
        return content is ['-' or '*' or '+', ' ', ..]
            || (content.Length > 2 && content[0] == '#' && content[1] == '.' && content[2] == ' ')
            || (content.Length > 3 && char.IsAsciiDigit(content[0]) && content[..4].IndexOf(". ") > 0);
    }
}
