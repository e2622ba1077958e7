using System.Text.RegularExpressions;
using UglyToad.PdfPig.Content;

namespace Coach.Rag.Documents.Pages;

/// <summary>
/// A table of a page: lines of short cells that stand in the same columns, apart from each other. What a cell goes on
/// with on the next line is part of it.
/// </summary>
/// <param name="Rows">Its rows, from the top.</param>
/// <param name="Words">The words in it.</param>
internal sealed partial record PdfTable(IReadOnlyList<IReadOnlyList<string>> Rows, IReadOnlyList<Word> Words)
{
    private const int LeastRows = 3;
    private const int MaxColumns = 24;
    private const double WordsOfTwo = 2.5;
    private const double WordsOfMore = 3.5;
    private const double ManyWords = 8;
    private const double CellGap = 1.1;
    private const double LineGap = 3;

    /// <summary>The highest point.</summary>
    public double Top { get; } = Words.Max(word => word.BoundingBox.Top);

    /// <summary>The left edge.</summary>
    public double Left { get; } = Words.Min(word => word.BoundingBox.Left);

    /// <summary>The right edge.</summary>
    public double Right { get; } = Words.Max(word => word.BoundingBox.Right);

    private sealed record Cell(double Left, double Right, List<Word> Words)
    {
        public string Text => string.Join(' ', Words.Select(word => word.Text));
    }

    /// <summary>The tables among the words of a page.</summary>
    public static List<PdfTable> Find(IReadOnlyList<Word> words)
    {
        List<List<Cell>> lines = [.. PdfLines.Of(words).Select(CellsOf)];
        var tables = new List<PdfTable>();
        for (int at = 0; at < lines.Count;)
        {
            int end = EndOf(lines, at);
            if (end - at >= LeastRows && Make(lines[at..end]) is { } table)
            {
                tables.Add(table);
            }

            at = Math.Max(end, at + 1);
        }

        return tables;
    }

    private static List<Cell> CellsOf(List<Word> line)
    {
        var cells = new List<Cell>();
        foreach (Word word in line)
        {
            double gap = cells.Count == 0 ? 0 : word.BoundingBox.Left - cells[^1].Right;
            if (cells.Count == 0 || gap > PdfLines.SizeOf(word) * CellGap)
            {
                cells.Add(new Cell(word.BoundingBox.Left, word.BoundingBox.Right, [word]));
            }
            else
            {
                cells[^1].Words.Add(word);
                cells[^1] = cells[^1] with { Right = Math.Max(cells[^1].Right, word.BoundingBox.Right) };
            }
        }

        return cells;
    }

    // Lines near each other, from one of several cells to the last such, with single cells between.
    private static int EndOf(List<List<Cell>> lines, int at)
    {
        if (lines[at].Count is < 2 or > MaxColumns)
        {
            return at;
        }

        int end = at + 1;
        for (int line = at + 1; line < lines.Count && IsNear(lines[line - 1], lines[line]); line++)
        {
            if (lines[line].Count > MaxColumns)
            {
                break;
            }

            end = lines[line].Count > 1 || line == end ? line + 1 : end;
        }

        while (lines[end - 1].Count < 2)
        {
            end--;
        }

        return end;
    }

    private static bool IsNear(List<Cell> above, List<Cell> below) =>
        above[0].Words[0].Letters[0].StartBaseLine.Y - below[0].Words[0].Letters[0].StartBaseLine.Y
            < PdfLines.SizeOf(below[0].Words[0]) * LineGap;

    private static PdfTable? Make(List<List<Cell>> lines)
    {
        int columns = lines.Where(line => line.Count > 1).GroupBy(line => line.Count)
            .OrderByDescending(group => group.Count()).ThenByDescending(group => group.Key).First().Key;
        List<List<Cell>> full = [.. lines.Where(line => line.Count == columns)];
        if (full.Count < LeastRows || Columns(full, columns) is not { } edges || !IsTable(full, columns))
        {
            return null;
        }

        var rows = new List<string[]>();
        var words = new List<Word>();
        foreach (List<Cell> line in lines)
        {
            int[] places = [.. line.Select(cell => PlaceOf(cell, edges))];
            bool fits = Array.TrueForAll(places, place => place >= 0) && places.Distinct().Count() == places.Length;
            if (!fits && rows.Count < LeastRows)
            {
                rows.Clear();       // what stands above is no part of it
                words.Clear();
                continue;
            }

            if (!fits)
            {
                break;
            }

            bool goesOn = rows.Count > 0 && places[0] > 0 && line.Count < columns;
            if (!goesOn)
            {
                rows.Add([.. Enumerable.Repeat("", columns)]);
            }

            for (int i = 0; i < line.Count; i++)
            {
                string before = rows[^1][places[i]];
                rows[^1][places[i]] = before.Length == 0 ? line[i].Text : before + " " + line[i].Text;
                words.AddRange(line[i].Words);
            }
        }

        return rows.Count < LeastRows ? null : new PdfTable(rows, words);
    }

    // Where each column lies; null when cells of several overlap.
    private static (double Left, double Right)[]? Columns(List<List<Cell>> rows, int columns)
    {
        var edges = new (double Left, double Right)[columns];
        for (int i = 0; i < columns; i++)
        {
            edges[i] = (rows.Min(row => row[i].Left), rows.Max(row => row[i].Right));
            if (i > 0 && edges[i].Left <= edges[i - 1].Right)
            {
                return null;
            }
        }

        return edges;
    }

    // Columns of prose are long; marks before the items of a list are none.
    private static bool IsTable(List<List<Cell>> rows, int columns)
    {
        bool isList = columns == 2 && rows.Count(row => ItemMark().IsMatch(row[0].Text)) * 2 > rows.Count;
        double[] lengths =
            [.. Enumerable.Range(0, columns).Select(i => rows.Average(row => (double)row[i].Words.Count))];
        return !isList && lengths.Min() <= (columns == 2 ? WordsOfTwo : WordsOfMore)
            && lengths.Count(length => length > ManyWords) < 2;
    }

    private static int PlaceOf(Cell cell, (double Left, double Right)[] edges)
    {
        int place = -1;
        for (int i = 0; i < edges.Length; i++)
        {
            if (cell.Left < edges[i].Right && cell.Right > edges[i].Left)
            {
                if (place >= 0)
                {
                    return -1;      // over several columns
                }

                place = i;
            }
        }

        return place;
    }

    [GeneratedRegex(@"^(\W{1,2}|\(?(\d{1,3}|\w)[.):])$", RegexOptions.CultureInvariant)]
    private static partial Regex ItemMark();
}
