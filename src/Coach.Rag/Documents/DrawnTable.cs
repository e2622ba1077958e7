namespace Coach.Rag.Documents;

/// <summary>
/// Tables that are drawn: grids, and Pandoc's simple and multi-line tables (Pandoc User's Guide, "Tables").
/// </summary>
/// <param name="End">The end of its last line.</param>
/// <param name="HeadEnd">The end of its head; the start for none.</param>
/// <param name="Rows">Where its rows end.</param>
internal readonly record struct DrawnTable(int End, int HeadEnd, TableRows Rows)
{
    private const int MaxHeadLines = 12;

    /// <summary>Whether a line is the border of a grid: <c>+---+---+</c>.</summary>
    public static bool IsGridBorder(ReadOnlySpan<char> content)
    {
        ReadOnlySpan<char> line = content.TrimEnd();
        return line is ['+', _, _, .., '+'] && line.IndexOfAnyExcept("+-=: ") < 0 && line.IndexOfAny('-', '=') > 0;
    }

    /// <summary>Whether a line is dashes under more than one column: <c>-----  ---</c>.</summary>
    public static bool IsColumns(ReadOnlySpan<char> content)
    {
        ReadOnlySpan<char> line = content.Trim();
        if (line.IndexOfAnyExcept('-', ' ') >= 0)
        {
            return false;
        }

        int groups = 0;
        while (!line.IsEmpty)
        {
            int length = line.IndexOf(' ');
            length = length < 0 ? line.Length : length;
            if (length < 2)
            {
                return false;
            }

            groups++;
            line = line[length..].TrimStart(' ');
        }

        return groups > 1;
    }

    /// <summary>The grid that starts at a line; its end alone, with no head, when it is not drawn to its end.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The start of the line, a border.</param>
    /// <param name="isWhole">Whether it is a table.</param>
    public static DrawnTable Grid(string text, int start, out bool isWhole)
    {
        int head = start;
        int end = start;
        bool hasRows = false;
        bool isBorder = false;
        for (int line = start; line < text.Length;)
        {
            int next = Next(text, line);
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).Trim();
            if (content is not ['+' or '|', ..])
            {
                break;
            }

            isBorder = content[0] == '+';
            hasRows |= !isBorder;
            bool isHeadEnd = isBorder && head == start && hasRows && content.Contains('=');
            head = isHeadEnd ? next : head;
            end = next;
            line = next;
        }

        isWhole = hasRows && isBorder;
        return new DrawnTable(end, head < end ? head : start, TableRows.Ruled);
    }

    /// <summary>The simple table whose dashes stand on a line, below its head or alone.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where the table starts.</param>
    /// <param name="dashesEnd">The end of the line of dashes.</param>
    public static DrawnTable? Simple(string text, int start, int dashesEnd)
    {
        bool hasHead = text.AsSpan(start, dashesEnd - start).TrimEnd().Contains('\n');
        int rows = 0;
        for (int line = dashesEnd; line < text.Length;)
        {
            int next = Next(text, line);
            ReadOnlySpan<char> content = text.AsSpan(line, next - line);
            bool isEnd = IsColumns(content) || IsDashes(content);
            if (isEnd && rows > 0)
            {
                return new DrawnTable(next, hasHead ? dashesEnd : start, TableRows.Lines);
            }

            if (isEnd || content.IsWhiteSpace())
            {
                return hasHead && rows > 0 ? new DrawnTable(line, dashesEnd, TableRows.Lines) : null;
            }

            rows++;
            line = next;
        }

        return hasHead && rows > 0 ? new DrawnTable(text.Length, dashesEnd, TableRows.Lines) : null;
    }

    /// <summary>The multi-line table that a line of dashes begins.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The start of the line.</param>
    /// <param name="next">Its end.</param>
    /// <param name="isOpen">Whether it has a head, and no end in the rest of the text.</param>
    public static DrawnTable? MultiLine(string text, int start, int next, out bool isOpen)
    {
        isOpen = false;
        int head = next;
        for (int lines = 0; ; lines++)
        {
            int after = head < text.Length ? Next(text, head) : head;
            ReadOnlySpan<char> content = text.AsSpan(head, after - head);
            if (content.IsWhiteSpace() || lines == MaxHeadLines)
            {
                return null;
            }

            head = after;
            if (lines > 0 && IsColumns(content))
            {
                break;
            }
        }

        for (int line = head; line < text.Length;)
        {
            int after = Next(text, line);
            bool isLast = IsDashes(text.AsSpan(line, after - line))
                && (after == text.Length || text.AsSpan(after, Next(text, after) - after).IsWhiteSpace());
            if (isLast)
            {
                return new DrawnTable(after, head, TableRows.Spaced);
            }

            line = after;
        }

        isOpen = true;
        return null;
    }

    /// <summary>Whether a line is dashes without a space.</summary>
    public static bool IsDashes(ReadOnlySpan<char> content)
    {
        ReadOnlySpan<char> line = content.Trim();
        return line.Length > 2 && line.IndexOfAnyExcept('-') < 0;
    }

    /// <summary>The end of a line, its line end included.</summary>
    public static int Next(string text, int line)
    {
        int found = text.AsSpan(line).IndexOf('\n');
        return found < 0 ? text.Length : line + found + 1;
    }
}
