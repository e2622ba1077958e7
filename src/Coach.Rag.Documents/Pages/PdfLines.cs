using UglyToad.PdfPig.Content;

namespace Coach.Rag.Documents.Pages;

/// <summary>The words of a page by the lines that they stand on.</summary>
internal static class PdfLines
{
    private const int LeastSpaced = 4;
    private const double SpacedShare = 0.75;
    private const double WordGap = 1.7;
    private const double LeastGap = 0.2;

    /// <summary>Lines from the top, each from the left.</summary>
    public static List<List<Word>> Of(IEnumerable<Word> words)
    {
        var lines = new List<List<Word>>();
        double baseline = 0;
        foreach (Word word in words.OrderByDescending(BaselineOf))
        {
            double own = BaselineOf(word);
            if (lines.Count == 0 || baseline - own > SizeOf(word) * 0.4)
            {
                lines.Add([]);
                baseline = own;
            }

            lines[^1].Add(word);
        }

        foreach (List<Word> line in lines)
        {
            line.Sort(static (one, other) => one.BoundingBox.Left.CompareTo(other.BoundingBox.Left));
        }

        return lines;
    }

    /// <summary>The size of a word's letters.</summary>
    public static double SizeOf(Word word) => Math.Max(1, word.Letters[0].PointSize);

    /// <summary>
    /// Words whose letters stand apart ("H e l l o") are words again, and those of one line one run of text, so that
    /// nothing takes the gaps between them for columns.
    /// </summary>
    public static List<Word> JoinSpaced(IReadOnlyList<Word> words)
    {
        var joined = new List<Word>(words.Count);
        foreach (List<Word> line in Of(words))
        {
            for (int at = 0; at < line.Count;)
            {
                int end = at;
                while (end < line.Count && IsLetter(line[end])
                    && (end == at || GapAt(line, end) < SizeOf(line[end]) * 3))
                {
                    end++;
                }

                bool isSpaced = end - at >= LeastSpaced;
                double gap = isSpaced ? WordGapOf(line, at, end) : GapWithin(line[at]) * 2;
                if (!isSpaced)
                {
                    end = at + 1;
                    while (gap > 0 && end < line.Count && GapWithin(line[end]) > 0
                        && GapAt(line, end) < gap + SizeOf(line[end]) / 2)
                    {
                        end++;
                    }
                }

                joined.Add(end - at > 1 ? Joined(line, at, end, isSpaced ? gap : 0) : line[at]);
                at = end;
            }
        }

        return joined.Count == words.Count ? [.. words] : joined;
    }

    private static bool IsLetter(Word word) => word.Text.Length == 1 && char.IsLetter(word.Text[0]);

    private static double GapAt(List<Word> line, int at) =>
        line[at].BoundingBox.Left - line[at - 1].BoundingBox.Right;

    private static double BaselineOf(Word word) => word.Letters[0].StartBaseLine.Y;

    // The gap between the letters of a word that is set wide; 0 for others.
    private static double GapWithin(Word word)
    {
        IReadOnlyList<Letter> letters = word.Letters;
        if (letters.Count < LeastSpaced - 1)
        {
            return 0;
        }

        double all = letters[^1].BoundingBox.Left - letters[0].BoundingBox.Left;
        double filled = letters.Take(letters.Count - 1).Sum(letter => letter.BoundingBox.Width);
        double gap = (all - filled) / (letters.Count - 1);
        return gap > SizeOf(word) * LeastGap ? gap : 0;
    }

    // Words end at gaps much wider than those between most letters.
    private static double WordGapOf(List<Word> line, int from, int to)
    {
        double[] gaps = [.. Enumerable.Range(from + 1, to - from - 1).Select(i => GapAt(line, i)).Order()];
        return Math.Max(0.5, gaps[(int)((gaps.Length - 1) * (1 - SpacedShare))] * WordGap);
    }

    private static Word Joined(List<Word> line, int from, int to, double gap)
    {
        var letters = new List<Letter>();
        for (int i = from; i < to; i++)
        {
            if (letters.Count > 0 && GapAt(line, i) > gap)
            {
                letters[^1] = WithSpace(letters[^1]);
            }

            letters.AddRange(line[i].Letters);
        }

        return new Word(letters);
    }

    private static Letter WithSpace(Letter letter) => new(
        letter.Value + " ", letter.BoundingBox, letter.GlyphRectangleLoose, letter.StartBaseLine, letter.EndBaseLine,
        letter.Width, letter.FontSize, letter.FontDetails, letter.RenderingMode, letter.StrokeColor, letter.FillColor,
        letter.PointSize, letter.TextSequence);
}
