namespace Coach.Rag.Documents;

/// <summary>One value of a front matter: its text, and where it stands.</summary>
internal readonly record struct FrontMatterValue(string Name, string Value, int Start, int End)
{
    /// <summary>The items of a list; empty for a single value.</summary>
    public IReadOnlyList<(int Start, int End)> Items { get; init; } = [];
}

/// <summary>
/// The block of names and values at the start of a document, between lines of <c>---</c> (YAML) or <c>+++</c> (TOML).
/// Values of one level are read, which is where a title, a description, dates and tags stand.
/// </summary>
internal sealed class FrontMatter
{
    private const int MaxLines = 1_000;
    private const int MaxValue = 1_000;

    private FrontMatter(int end, IReadOnlyList<FrontMatterValue> values) => (End, Values) = (end, values);

    /// <summary>The character after it.</summary>
    public int End { get; }

    public IReadOnlyList<FrontMatterValue> Values { get; }

    /// <summary>The front matter of a text; null when it has none.</summary>
    public static FrontMatter? Find(string text)
    {
        string fence = text.StartsWith("---", StringComparison.Ordinal) ? "---"
            : text.StartsWith("+++", StringComparison.Ordinal) ? "+++" : "";
        if (fence.Length == 0)
        {
            return null;
        }

        int body = LineEnd(text, 0);
        if (!text.AsSpan(3, body - 3).IsWhiteSpace())
        {
            return null;
        }

        int lines = 0;
        for (int line = body; line < text.Length && lines < MaxLines; lines++)
        {
            int next = LineEnd(text, line);
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).TrimEnd();
            if (content.SequenceEqual(fence) || (fence == "---" && content.SequenceEqual("...")))
            {
                return lines > 0 && !HasName(text.AsSpan(body, line - body)) ? null
                    : new FrontMatter(next, Parse(text, body, line));
            }

            line = next;
        }

        return null;
    }

    // Two thematic breaks with text between them are no front matter.
    private static bool HasName(ReadOnlySpan<char> body)
    {
        foreach (ReadOnlySpan<char> line in body.EnumerateLines())
        {
            if (!line.IsWhiteSpace() && line[0] is not '#')
            {
                int separator = line.IndexOfAny(':', '=');
                return separator > 0 && line[..separator].TrimEnd().IndexOfAny(' ', '*') < 0;
            }
        }

        return true;
    }

    private static List<FrontMatterValue> Parse(string text, int start, int end)
    {
        var values = new List<FrontMatterValue>();
        for (int line = start; line < end;)
        {
            int next = LineEnd(text, line);
            int separator = text.AsSpan(line, next - line).IndexOfAny(':', '=');
            if (separator <= 0 || char.IsWhiteSpace(text[line]) || text[line] is '#' or '-' or '[')
            {
                line = next;
                continue;
            }

            string name = text.AsSpan(line, separator).Trim().Trim('"').ToString().ToLowerInvariant();
            int valueStart = line + separator + 1;
            int blockEnd = next;
            while (blockEnd < end && IsFurther(text, blockEnd, end))
            {
                blockEnd = LineEnd(text, blockEnd);
            }

            if (Read(text, name, valueStart, next, blockEnd) is { } value)
            {
                values.Add(value);
            }

            line = blockEnd;
        }

        return values;
    }

    // Indented lines, items and blank lines within belong to the name above.
    private static bool IsFurther(string text, int line, int end)
    {
        char c = text[line];
        return c is ' ' or '\t' || (c == '-' && line + 1 < end && text[line + 1] is ' ')
            || (c is '\n' or '\r' && LineEnd(text, line) is var next && next < end && text[next] is ' ' or '\t' or '\n'
                or '\r');
    }

    private static FrontMatterValue? Read(string text, string name, int start, int lineEnd, int end)
    {
        (int from, int to) = Trim(text, start, lineEnd);
        if (from < to && text[from] is '|' or '>' && end > lineEnd)
        {
            (from, to) = Trim(text, lineEnd, end);      // a block of lines
            return Single(text, name, from, to);
        }

        if (from < to && text[from] == '[')
        {
            (from, to) = Trim(text, from, end);
            return text[to - 1] == ']' ? List(text, name, Split(text, from + 1, to - 1)) : null;
        }

        if (from == to && end > lineEnd)
        {
            return List(text, name, Lines(text, lineEnd, end));
        }

        (from, to) = from < to && text[from] is '"' or '\'' ? Trim(text, from, end)
            : Trim(text, start, Math.Max(lineEnd, end));
        return Single(text, name, from, to);
    }

    private static FrontMatterValue? Single(string text, string name, int from, int to)
    {
        (from, to) = Unquoted(text, from, to);
        return from >= to || text[from] is '{' ? null
            : new FrontMatterValue(name, Collapse(text.AsSpan(from, to - from)), from, to);
    }

    private static FrontMatterValue? List(string text, string name, List<(int Start, int End)> items)
    {
        if (items.Count == 0)
        {
            return null;
        }

        string joined =
            string.Join(", ", items.Take(64).Select(item => Collapse(text.AsSpan(item.Start, item.End - item.Start))));
        return new FrontMatterValue(name, joined, items[0].Start, items[^1].End) { Items = items };
    }

    private static List<(int Start, int End)> Split(string text, int from, int to)
    {
        var items = new List<(int Start, int End)>();
        for (int at = from; at < to;)
        {
            int comma = text.AsSpan(at, to - at).IndexOf(',');
            int end = comma < 0 ? to : at + comma;
            Add(text, at, end, items);
            at = end + 1;
        }

        return items;
    }

    private static List<(int Start, int End)> Lines(string text, int from, int to)
    {
        var items = new List<(int Start, int End)>();
        for (int line = from; line < to;)
        {
            int next = Math.Min(to, LineEnd(text, line));
            (int start, int end) = Trim(text, line, next);
            if (start < end && text[start] == '-')
            {
                Add(text, start + 1, end, items);
            }

            line = next;
        }

        return items;
    }

    private static void Add(string text, int from, int to, List<(int Start, int End)> items)
    {
        (from, to) = Trim(text, from, to);
        (from, to) = Unquoted(text, from, to);
        if (from < to && text.AsSpan(from, to - from).IndexOf(": ") < 0)
        {
            items.Add((from, to));
        }
    }

    private static (int From, int To) Unquoted(string text, int from, int to) =>
        to - from >= 2 && text[from] is '"' or '\'' && text[to - 1] == text[from]
            ? Trim(text, from
                + (text[from] == text[Math.Min(from + 1, to - 1)] && to - from > 6 && text[from + 2] == text[from] ? 3
                : 1),
                to - (to - from > 6 && text[to - 2] == text[to - 1] && text[to - 3] == text[to - 1] ? 3 : 1))
            : (from, to);

    private static (int From, int To) Trim(string text, int from, int to)
    {
        while (from < to && char.IsWhiteSpace(text[from]))
        {
            from++;
        }

        while (to > from && char.IsWhiteSpace(text[to - 1]))
        {
            to--;
        }

        return (from, Math.Max(from, to));
    }

    private static string Collapse(ReadOnlySpan<char> value)
    {
        var text = new System.Text.StringBuilder(Math.Min(value.Length, MaxValue));
        foreach (char c in value)
        {
            if (text.Length >= MaxValue)
            {
                break;
            }

            if (!char.IsWhiteSpace(c))
            {
                text.Append(c);
            }
            else if (text.Length > 0 && text[^1] != ' ')
            {
                text.Append(' ');
            }
        }

        return text.ToString();
    }

    private static int LineEnd(string text, int line)
    {
        int found = text.AsSpan(line).IndexOf('\n');
        return found < 0 ? text.Length : line + found + 1;
    }
}
