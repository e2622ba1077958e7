using System.Globalization;
using Coach.Rag.Documents.Structured;

namespace Coach.Rag.Documents.Markup;

/// <summary>
/// Tables of reStructuredText, drawn or written as a list: a row a line, whatever lines its cells take in the file.
/// </summary>
internal sealed class ReStructuredTextTables(LineReader lines, StructuredTextBuilder builder)
{
    // +---+---+ or ===  ===
    public static bool IsTable(ReadOnlySpan<char> trimmed)
    {
        ReadOnlySpan<char> content = trimmed.TrimEnd();
        return (content.Length > 3 && content.IndexOfAnyExcept("+-=") < 0 && content[0] == '+')
            || (content.Length > 3 && content[0] == '=' && content.IndexOfAnyExcept("= ") < 0 && content.Contains(' '));
    }

    /// <summary>Adds the drawn table that starts at a line.</summary>
    /// <returns>The line after it.</returns>
    public int Add(int line, ReStructuredTextInline inline)
    {
        bool isGrid = lines[line].TrimStart()[0] == '+';
        int end = isGrid ? GridEnd(line) : SimpleEnd(line);
        int head = 0;
        List<List<string>>? rows = isGrid ? Grid(line, end, inline, out head) : Simple(line, end, inline, out head);
        if (rows is not null)
        {
            builder.AddTable(rows, head);
            return end;
        }

        builder.AddSource(TextBlockKind.Table, [lines.Lines(line, end)]);
        return end;
    }

    /// <summary>Adds the table of a directive whose rows stand below it.</summary>
    /// <returns>The line after it.</returns>
    public int AddDirective(string name, int body, int end, Dictionary<string, Range> options,
        ReStructuredTextInline inline)
    {
        List<List<string>> rows = name == "csv-table" ? Csv(body, end, options) : OfList(body, end, inline);
        int head = options.TryGetValue("header-rows", out Range count)
            && int.TryParse(lines.Text.AsSpan()[count].Trim(), NumberStyles.None, CultureInfo.InvariantCulture,
                out int given) ? given : 0;
        builder.AddTable(rows, options.ContainsKey("header") ? 1 : head);
        return end;
    }

    private int GridEnd(int line)
    {
        int end = line + 1;
        while (end < lines.Count && lines[end].TrimStart() is ['+' or '|', ..])
        {
            end++;
        }

        return end;
    }

    private int SimpleEnd(int line)
    {
        int borders = 1;
        for (int end = line + 1; end < lines.Count; end++)
        {
            bool isBorder = IsTable(lines[end].TrimStart());
            borders += isBorder ? 1 : 0;
            if (isBorder && (borders == 3 || lines.IsBlank(end + 1)))
            {
                return end + 1;
            }
        }

        return lines.Count;
    }

    // Null when it is not drawn straight.
    private List<List<string>>? Grid(int from, int end, ReStructuredTextInline inline, out int head)
    {
        head = 0;
        int[] edges = [.. Edges(lines[from], '+')];
        var rows = new List<List<string>>();
        List<string>? row = null;
        for (int line = from + 1; line < end; line++)
        {
            ReadOnlySpan<char> content = lines[line].TrimEnd();
            if (IsTable(content.TrimStart()))
            {
                AddRow(rows, row);
                row = null;
                head = content.Contains('=') ? rows.Count : head;
                continue;
            }

            bool isStraight = content.Length == edges[^1] + 1 && content[^1] == '|' && content[edges[0]] == '|';
            if (!isStraight)
            {
                return null;
            }

            row ??= [.. Enumerable.Repeat("", edges.Length - 1)];
            int start = 0;
            for (int edge = 1; edge < edges.Length; edge++)
            {
                if (content[edges[edge]] == '|')
                {
                    Append(row, start, Cell(line, edges[start] + 1, edges[edge], inline));
                    start = edge;
                }
            }
        }

        AddRow(rows, row);
        return rows;
    }

    private List<List<string>>? Simple(int from, int end, ReStructuredTextInline inline, out int head)
    {
        head = 0;
        int[] starts = [.. Edges(lines[from], '=').Where((edge, i) => IsStart(lines[from], edge))];
        var rows = new List<List<string>>();
        List<string>? row = null;
        for (int line = from + 1; line < end; line++)
        {
            ReadOnlySpan<char> content = lines[line].TrimEnd();
            if (IsTable(content.TrimStart()))
            {
                AddRow(rows, row);
                row = null;
                head = line + 1 < end && head == 0 ? rows.Count : head;
                continue;
            }

            if (content.TrimStart().IndexOfAnyExcept("- ") < 0)
            {
                continue;       // blank, or what a head that spans columns is underlined with
            }

            // A first cell that is empty: the row goes on.
            bool isNew = content.Length > starts[0] && !char.IsWhiteSpace(content[starts[0]]);
            if (isNew || row is null)
            {
                AddRow(rows, row);
                row = [.. Enumerable.Repeat("", starts.Length)];
            }

            for (int i = 0; i < starts.Length && starts[i] < content.Length; i++)
            {
                int to = i + 1 < starts.Length ? Math.Min(content.Length, starts[i + 1]) : content.Length;
                Append(row, i, Cell(line, starts[i], to, inline));
            }
        }

        AddRow(rows, row);
        return rows;
    }

    // "* - cell" begins a row, "- cell" below it a further cell; what is indented deeper belongs to the cell.
    private List<List<string>> OfList(int from, int end, ReStructuredTextInline inline)
    {
        var rows = new List<List<string>>();
        int cellIndent = 0;
        for (int line = from; line < end; line++)
        {
            ReadOnlySpan<char> content = lines[line].TrimStart();
            int indent = LineReader.Indent(lines[line]);
            int mark = content.StartsWith("* -") ? 3 : 0;
            if (mark > 0)
            {
                rows.Add([]);
                cellIndent = indent + content.IndexOf('-');
            }
            else if (content.StartsWith("-") && indent == cellIndent && rows.Count > 0)
            {
                mark = 1;
            }

            if (rows.Count == 0 || content.IsEmpty)
            {
                continue;
            }

            if (mark > 0)
            {
                rows[^1].Add("");
            }

            Append(rows[^1], rows[^1].Count - 1, Cell(line, indent + mark, lines[line].Length, inline));
        }

        return rows;
    }

    private List<List<string>> Csv(int from, int end, Dictionary<string, Range> options)
    {
        string header = options.TryGetValue("header", out Range head) ? lines.Text[head].Trim() + "\n" : "";
        var table = new System.Text.StringBuilder(header);
        for (int line = from; line < end; line++)
        {
            table.Append(lines[line].Trim()).Append('\n');
        }

        return DelimitedTextReader.Rows(WithoutSpaces(table.ToString()));
    }

    // A space after a comma is none of the cell.
    private static string WithoutSpaces(string table)
    {
        var text = new System.Text.StringBuilder(table.Length);
        bool isQuoted = false;
        foreach (char c in table)
        {
            isQuoted ^= c == '"';
            if (isQuoted || c != ' ' || text.Length == 0 || text[^1] != ',')
            {
                text.Append(c);
            }
        }

        return text.ToString();
    }

    private string Cell(int line, int from, int to, ReStructuredTextInline inline)
    {
        int start = lines.StartOf(line);
        return from >= to ? "" : inline.Words(start + from, start + to).ToString().Trim();
    }

    private static void Append(List<string> row, int cell, string words)
    {
        if (words.Length > 0)
        {
            row[cell] = row[cell].Length == 0 ? words : row[cell] + " " + words;
        }
    }

    private static void AddRow(List<List<string>> rows, List<string>? row)
    {
        if (row is not null)
        {
            rows.Add(row);
        }
    }

    private static List<int> Edges(ReadOnlySpan<char> border, char mark)
    {
        var edges = new List<int>();
        for (int i = 0; i < border.Length; i++)
        {
            if (border[i] == mark)
            {
                edges.Add(i);
            }
        }

        return edges;
    }

    private static bool IsStart(ReadOnlySpan<char> border, int edge) => edge == 0 || border[edge - 1] != '=';
}
