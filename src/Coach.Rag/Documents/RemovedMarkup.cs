using System.Text;

namespace Coach.Rag.Documents;

/// <summary>The parts of a text that are left out, in order, and the text without them.</summary>
internal sealed class RemovedMarkup(string text)
{
    private readonly record struct Span(int Start, int End, bool IsSpace, string Instead = "");

    private readonly List<Span> _spans = [];

    /// <summary>The end of what was left out last.</summary>
    public int End => _spans.Count == 0 ? 0 : _spans[^1].End;

    /// <summary>Leaves out a range; ranges come in ascending order.</summary>
    /// <param name="start">Its first character.</param>
    /// <param name="end">The character after it.</param>
    /// <param name="isSpace">Whether it separates the words around it.</param>
    public void Add(int start, int end, bool isSpace = false)
    {
        start = Math.Max(start, End);
        if (end > start)
        {
            if (_spans.Count > 0 && _spans[^1].End == start && _spans[^1].Instead.Length == 0)
            {
                _spans[^1] = _spans[^1] with { End = end, IsSpace = isSpace || _spans[^1].IsSpace };
                return;
            }

            _spans.Add(new Span(start, end, isSpace));
        }
    }

    /// <summary>Puts other characters in the place of a range; ranges come in ascending order.</summary>
    /// <param name="start">Its first character.</param>
    /// <param name="end">The character after it.</param>
    /// <param name="instead">What it stands for, such as the character of a reference.</param>
    public void Replace(int start, int end, string instead)
    {
        if (start >= End && end > start)
        {
            _spans.Add(new Span(start, end, IsSpace: false, instead));
        }
    }

    /// <summary>What is left of a range, by the ranges so far that were left out at its end or after it
    /// began.</summary>
    public string Rest(int start, int end)
    {
        int i = _spans.Count;
        while (i > 0 && _spans[i - 1].End > start)
        {
            i--;
        }

        var rest = new StringBuilder();
        int at = start;
        for (; i < _spans.Count && _spans[i].Start < end; i++)
        {
            Copy(at, Math.Max(at, _spans[i].Start));
            at = Math.Max(at, _spans[i].End);
            rest.Append(_spans[i].Instead);
            if (_spans[i].IsSpace)
            {
                rest.Append(' ');
            }
        }

        Copy(at, end);
        return rest.ToString();

        void Copy(int from, int to)
        {
            if (to > from)
            {
                rest.Append(text, from, to - from);
            }
        }
    }

    /// <summary>The text without what was left out, and its blocks, which are given as ranges of the text with
    /// it.</summary>
    public StructuredText Apply(string title, IReadOnlyList<TextBlock> blocks)
    {
        if (_spans.Count == 0)
        {
            return new StructuredText(text, title, blocks);
        }

        var rendered = new StringBuilder(text.Length);
        var map = new SourceMap();
        var starts = new int[_spans.Count];     // where each span would stand in the rendered text
        int at = 0;
        for (int i = 0; i < _spans.Count; i++)
        {
            Span span = _spans[i];
            Copy(at, span.Start);
            starts[i] = rendered.Length;
            at = span.End;
            foreach (char c in span.Instead)
            {
                map.Add(rendered.Length, span.Start, span.End - span.Start);
                rendered.Append(c);
            }

            bool isBetweenWords = rendered.Length > 0 && !char.IsWhiteSpace(rendered[^1])
                && at < text.Length && !char.IsWhiteSpace(text[at]);
            if (span.IsSpace && isBetweenWords)
            {
                map.Add(rendered.Length, span.Start, 0);
                rendered.Append(' ');
            }
        }

        Copy(at, text.Length);
        string result = rendered.ToString();
        var moved = new List<TextBlock>(blocks.Count);
        foreach (TextBlock block in blocks)
        {
            TextBlock other = block with
            {
                Start = Move(block.Start),
                End = Move(block.End),
                BodyStart = Move(block.BodyStart),
                BodyEnd = Move(block.BodyEnd),
                HeadEnd = Move(block.HeadEnd),
            };
            if (!result.AsSpan(other.Start, other.End - other.Start).IsWhiteSpace())
            {
                moved.Add(other);
            }
        }

        return new StructuredText(result, title, moved) { Map = map };

        void Copy(int from, int to)
        {
            if (to > from)
            {
                map.AddRun(rendered.Length, from, to - from);
                rendered.Append(text, from, to - from);
            }
        }

        // A position after a span lies as far behind where the span would stand, and the space in its place.
        int Move(int position)
        {
            int low = 0;
            int high = _spans.Count - 1;
            int found = -1;
            while (low <= high)
            {
                int middle = (low + high) >>> 1;
                if (_spans[middle].Start < position)
                {
                    found = middle;
                    low = middle + 1;
                }
                else
                {
                    high = middle - 1;
                }
            }

            if (found < 0)
            {
                return position;
            }

            int after = found + 1 < _spans.Count ? starts[found + 1] : result.Length;
            int kept = found + 1 < _spans.Count ? _spans[found + 1].Start - _spans[found].End
                : text.Length - _spans[found].End;
            return position <= _spans[found].End ? after - kept : after - kept + position - _spans[found].End;
        }
    }
}
