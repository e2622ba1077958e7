using System.Text;

namespace Coach.Rag.Documents.Markup;

/// <summary>A range of a text without the parts of it that are markup.</summary>
internal sealed class KeptText(string text, int start, int end)
{
    private readonly List<Range> _ranges = [];
    private int _at = start;

    /// <summary>Where the last cut ended, or the start.</summary>
    public int At => _at;

    /// <summary>What is kept, in order.</summary>
    public IReadOnlyList<Range> Ranges
    {
        get
        {
            Keep(end);
            return _ranges;
        }
    }

    /// <summary>Leaves out a part; parts come in ascending order.</summary>
    public void Cut(int from, int to)
    {
        from = Math.Max(from, _at);
        if (to > from)
        {
            Keep(from);
            _at = to;
        }
    }

    /// <summary>What is kept, as one text.</summary>
    public override string ToString()
    {
        var kept = new StringBuilder();
        foreach (Range range in Ranges)
        {
            (int offset, int length) = range.GetOffsetAndLength(text.Length);
            kept.Append(text, offset, length);
        }

        return kept.ToString();
    }

    private void Keep(int to)
    {
        if (to > _at)
        {
            _ranges.Add(_at..to);
            _at = to;
        }
    }
}
