using System.Runtime.InteropServices;

namespace Coach.Rag.Documents;

/// <summary>The position of each character of a rendered text in the markup it was rendered from.</summary>
internal sealed class SourceMap
{
    private readonly List<Run> _runs = [];

    /// <summary>
    /// A run of characters that stand side by side in both; <c>Width</c> is the markup that each one takes.
    /// </summary>
    private readonly record struct Run(int Text, int Source, int Length, int Width);

    /// <summary>Adds the next character of the text.</summary>
    /// <param name="text">Its position in the text; ascending.</param>
    /// <param name="source">Its position in the markup.</param>
    /// <param name="width">How much markup makes it; 0 for white space between tags.</param>
    public void Add(int text, int source, int width)
    {
        if (width == 1)
        {
            AddRun(text, source, 1);
            return;
        }

        _runs.Add(new Run(text, Math.Max(0, source), 1, width));
    }

    /// <summary>Adds the next characters of the text, which stand in the markup as they are.</summary>
    public void AddRun(int text, int source, int length)
    {
        if (_runs.Count > 0 && _runs[^1] is { Width: 1 } last && last.Text + last.Length == text
            && last.Source + last.Length == source)
        {
            _runs[^1] = last with { Length = last.Length + length };
            return;
        }

        _runs.Add(new Run(text, Math.Max(0, source), length, 1));
    }

    /// <summary>The markup from the first to the last character of a range of the text.</summary>
    public (int Start, int Length) Find(int start, int length)
    {
        if (_runs.Count == 0)
        {
            return (0, 0);
        }

        Run first = At(start);
        Run last = At(start + length - 1);
        int from = first.Source + (first.Width == 1 ? Math.Min(start - first.Text, first.Length - 1) : 0);
        int to = last.Width == 1
            ? last.Source + Math.Min(start + length - last.Text, last.Length)
            : last.Source + last.Width;
        return (from, Math.Max(0, to - from));
    }

    // The run that holds a character, or the one before it.
    private Run At(int text)
    {
        Span<Run> runs = CollectionsMarshal.AsSpan(_runs);
        int low = 0;
        int high = runs.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            (low, high) = runs[middle].Text <= text ? (middle, high) : (low, middle - 1);
        }

        return runs[low];
    }
}
