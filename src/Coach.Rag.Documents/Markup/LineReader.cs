namespace Coach.Rag.Documents.Markup;

/// <summary>The lines of a text as ranges, for formats that are read line by line.</summary>
internal sealed class LineReader(string text)
{
    private readonly List<(int Start, int End)> _lines = Split(text);

    public string Text => text;

    public int Count => _lines.Count;

    /// <summary>A line without its end.</summary>
    public ReadOnlySpan<char> this[int line] =>
        line < 0 || line >= _lines.Count ? default
            : text.AsSpan(_lines[line].Start, _lines[line].End - _lines[line].Start).TrimEnd("\r\n");

    public bool IsBlank(int line) => this[line].IsWhiteSpace();

    public int StartOf(int line) => line < _lines.Count ? _lines[line].Start : text.Length;

    /// <summary>Where a line's words end.</summary>
    public int EndOf(int line) => StartOf(line) + this[line].Length;

    /// <summary>The range of lines, the last one's end included.</summary>
    public Range Lines(int from, int to) => StartOf(from)..StartOf(to);

    public static int Indent(ReadOnlySpan<char> line)
    {
        int indent = 0;
        while (indent < line.Length && line[indent] is ' ' or '\t')
        {
            indent++;
        }

        return indent;
    }

    private static List<(int Start, int End)> Split(string text)
    {
        var lines = new List<(int Start, int End)>();
        for (int at = 0; at < text.Length;)
        {
            int found = text.AsSpan(at).IndexOf('\n');
            int next = found < 0 ? text.Length : at + found + 1;
            lines.Add((at, next));
            at = next;
        }

        return lines;
    }
}
