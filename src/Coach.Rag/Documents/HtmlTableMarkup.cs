using System.Globalization;

namespace Coach.Rag.Documents;

/// <summary>
/// A table of HTML within Markdown, as a row a line with its cells in their columns. A table that lays out a page
/// (with tables, headings or code in its cells) is none.
/// </summary>
internal sealed class HtmlTableMarkup
{
    private const int MaxCell = 4_000;
    private const int MaxSpan = 32;
    private const int MaxColumns = 256;
    private const int MaxName = 12;
    private const string Between = " | ";

    private readonly string _text;
    private readonly int _start;
    private readonly int _end;
    private readonly List<Row> _rows = [];
    private readonly List<int> _spans = [];     // of each column, how many rows below are covered from above
    private bool _inHead;
    private (int Start, int Columns, int Rows, bool IsHead) _cell = (-1, 1, 1, false);

    private HtmlTableMarkup(string text, int start, int end) => (_text, _start, _end) = (text, start, end);

    private readonly record struct Cell(int Start, int End);

    private sealed class Row
    {
        public List<Cell> Cells { get; } = [];

        public bool IsHead { get; set; } = true;

        public bool HasWords => Cells.Exists(cell => cell.End > cell.Start);
    }

    /// <summary>The position of the tag after the markup before it; −1 when other things stand before it.</summary>
    public static int StartIn(ReadOnlySpan<char> line)
    {
        int found = line.IndexOf("<table", StringComparison.OrdinalIgnoreCase);
        bool isTag = found >= 0 && found + 6 < line.Length && line[found + 6] is '>' or ' ' or '\r' or '\n';
        ReadOnlySpan<char> before = isTag ? line[..found].Trim() : default;
        return isTag && (before.IsEmpty || (before[0] == '<' && before[^1] == '>')) ? found : -1;
    }

    /// <summary>Reads a table.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where its tag begins.</param>
    /// <param name="end">Where the tag begins that ends it.</param>
    /// <returns>The table; null when it lays out.</returns>
    public static HtmlTableMarkup? Read(string text, int start, int end)
    {
        var table = new HtmlTableMarkup(text, start, end);
        return table.Read() && table._rows.Count > 1 && table._rows.Exists(row => row.Cells.Count > 1) ? table : null;
    }

    /// <summary>Leaves out its markup; its cells are looked through by <paramref name="clean"/>.</summary>
    /// <param name="removed">What is left out.</param>
    /// <param name="clean">Looks through a line of a cell.</param>
    /// <param name="heading">The headings above it.</param>
    /// <returns>Its block; null when it has no words.</returns>
    public TextBlock? Apply(RemovedMarkup removed, Action<int, int> clean, string heading)
    {
        int cursor = _start;
        int first = -1;
        int headEnd = -1;
        bool isHead = true;
        foreach (Row row in _rows.Where(row => row.HasWords))
        {
            string between = first < 0 ? "" : "\n";
            bool endsHead = isHead && !row.IsHead && first >= 0;
            isHead &= row.IsHead;
            for (int i = 0; i < row.Cells.Count; i++)
            {
                Cell cell = row.Cells[i];
                between += i > 0 ? Between : "";
                if (cell.End <= cell.Start)
                {
                    continue;
                }

                int from = Math.Max(cursor, removed.End);
                int rowStart = Separate(removed, from, cell.Start, between);
                headEnd = endsHead ? rowStart : headEnd;
                (endsHead, between) = (false, "");
                first = first < 0 ? cell.Start : first;
                AddContent(removed, clean, cell);
                cursor = cell.End;
            }
        }

        removed.Add(Math.Max(cursor, removed.End), _end);
        return first < 0 ? null : new TextBlock(first, cursor, heading)
        {
            Kind = TextBlockKind.Table,
            HeadEnd = headEnd < 0 ? first : headEnd,
        };
    }

    // What stands between two cells, and where a row starts that begins after it.
    private int Separate(RemovedMarkup removed, int from, int to, string between)
    {
        if (between is ['\n', _, ..])
        {
            // A row that begins with an empty cell begins with a space of the file, if there is one.
            int space = _text.AsSpan(from + 1, Math.Max(0, to - from - 1)).IndexOf(' ');
            int middle = Math.Min(to, from + 1 + Math.Max(0, space));
            removed.Replace(from, middle, "\n");
            removed.Replace(middle, to, between[1..]);
            return middle;
        }

        if (between.Length == 0)
        {
            removed.Add(from, to);
        }
        else
        {
            removed.Replace(from, to, between);
        }

        return to;
    }

    private void AddContent(RemovedMarkup removed, Action<int, int> clean, Cell cell)
    {
        for (int from = cell.Start; from < cell.End;)
        {
            int found = _text.AsSpan(from, cell.End - from).IndexOfAny('\n', '\r');
            int end = found < 0 ? cell.End : from + found;
            clean(from, end);
            int next = end;
            while (next < cell.End && char.IsWhiteSpace(_text[next]))
            {
                next++;
            }

            if (next > end)
            {
                removed.Replace(Math.Max(end, removed.End), next, " ");
            }

            from = next;
        }
    }

    private bool Read()
    {
        int at = _start;
        int outside = -1;       // from where on nothing but white space may stand
        while (at < _end)
        {
            int open = _text.IndexOf('<', at, _end - at);
            if (open < 0)
            {
                break;
            }

            if (outside >= 0 && !_text.AsSpan(outside, open - outside).IsWhiteSpace())
            {
                return false;       // words between the rows
            }

            bool isComment = _text.AsSpan(open).StartsWith("<!--");
            string mark = isComment ? "-->" : ">";
            int close = _text.IndexOf(mark, open, _end - open, StringComparison.Ordinal);
            if (close < 0)
            {
                return false;
            }

            at = close + mark.Length;
            if (!isComment && !Tag(open, at))
            {
                return false;
            }

            outside = _cell.Start < 0 ? at : -1;
        }

        EndCell(_end);
        return _rows.TrueForAll(row => row.Cells.TrueForAll(IsOfLine));
    }

    private bool Tag(int open, int end)
    {
        bool isEnd = _text[open + 1] == '/';
        int name = open + (isEnd ? 2 : 1);
        int length = 0;
        while (length < MaxName && char.IsAsciiLetterOrDigit(_text[name + length]))
        {
            length++;
        }

        string tag = _text.Substring(name, length).ToLowerInvariant();
        switch (tag)
        {
            case "table":
                return open == _start;
            case "pre" or "h1" or "h2" or "h3" or "h4" or "h5" or "h6":
                return false;
            case "thead":
                _inHead = !isEnd;
                break;
            case "tr":
                EndCell(open);
                AddRow(isStart: !isEnd);
                break;
            case "caption":
                EndCell(open);
                AddRow(isStart: !isEnd);
                _cell = isEnd ? (-1, 1, 1, false) : (end, 1, 1, true);
                break;
            case "td" or "th":
                EndCell(open);
                _cell = isEnd ? (-1, 1, 1, false)
                    : (end, Number("colspan", open, end), Number("rowspan", open, end), tag == "th" || _inHead);
                break;
        }

        return true;
    }

    private void AddRow(bool isStart)
    {
        if (!isStart)
        {
            return;
        }

        for (int i = _rows.Count == 0 ? _spans.Count : _rows[^1].Cells.Count; i < _spans.Count; i++)
        {
            _spans[i] = Math.Max(0, _spans[i] - 1);
        }

        _rows.Add(new Row());
    }

    private void EndCell(int end)
    {
        if (_cell.Start < 0)
        {
            return;
        }

        (int start, int columns, int rows, bool isHead) = _cell;
        _cell = (-1, 1, 1, false);
        if (_rows.Count == 0)
        {
            _rows.Add(new Row());
        }

        Row row = _rows[^1];
        row.IsHead &= isHead;
        while (row.Cells.Count < _spans.Count && _spans[row.Cells.Count] > 0)
        {
            _spans[row.Cells.Count]--;
            row.Cells.Add(default);
        }

        while (start < end && char.IsWhiteSpace(_text[start]))
        {
            start++;
        }

        while (end > start && char.IsWhiteSpace(_text[end - 1]))
        {
            end--;
        }

        for (int i = 0; i < columns && row.Cells.Count < MaxColumns; i++)
        {
            while (_spans.Count <= row.Cells.Count)
            {
                _spans.Add(0);
            }

            _spans[row.Cells.Count] = rows - 1;
            row.Cells.Add(i == 0 ? new Cell(start, end) : default);
        }
    }

    private int Number(string attribute, int open, int end)
    {
        int found = _text.AsSpan(open, end - open).IndexOf(attribute, StringComparison.OrdinalIgnoreCase);
        ReadOnlySpan<char> value = found < 0 ? default
            : _text.AsSpan(open + found + attribute.Length, end - open - found - attribute.Length).TrimStart("= \"'");
        int digits = value.IndexOfAnyExceptInRange('0', '9');
        return digits is > 0 and < 5
            ? Math.Clamp(int.Parse(value[..digits], CultureInfo.InvariantCulture), 1, MaxSpan)
            : 1;
    }

    // Not a block of Markdown such as code, which a cell holds that lays out.
    private bool IsOfLine(Cell cell)
    {
        if (cell.End - cell.Start > MaxCell)
        {
            return false;
        }

        foreach (ReadOnlySpan<char> line in _text.AsSpan(cell.Start, cell.End - cell.Start).EnumerateLines())
        {
            ReadOnlySpan<char> content = line.TrimStart();
            if (content.StartsWith("```") || content.StartsWith("~~~") || content.StartsWith("# ")
                || content.StartsWith("## "))
            {
                return false;
            }
        }

        return true;
    }
}
