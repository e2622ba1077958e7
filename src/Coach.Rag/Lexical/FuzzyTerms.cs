using System.Numerics;
using Coach.Rag.Segments;

namespace Coach.Rag.Lexical;

/// <summary>
/// Finds, for a word that no passage holds, the one of the index that it is probably meant to be: one edit away (of
/// eight letters and more two), where swapping neighbours is one edit (Damerau 1964), the first letter right or swapped
/// with the second. The dictionary is sorted, so only words that begin alike are looked at, and no more than so many.
/// </summary>
internal static class FuzzyTerms
{
    /// <summary>The most words of a dictionary that one question compares.</summary>
    public const int MaxCompared = 20_000;

    /// <summary>The most words of a question that are looked for so.</summary>
    public const int MaxWords = 4;

    /// <summary>What a word that was meant counts, as a share of one that was written.</summary>
    public const float Share = 0.8f;

    private const int MinLength = 5; // of shorter ones too many others are one letter away
    private const int MaxLength = 32;
    private const int TwoEditsFrom = 8;

    /// <summary>Finds the word.</summary>
    /// <param name="index">The index.</param>
    /// <param name="term">The word as it is indexed.</param>
    /// <param name="left">How many comparisons are left; those made are taken off.</param>
    /// <returns>Its UTF-8 bytes, or null.</returns>
    public static byte[]? Find(IndexReader index, ReadOnlySpan<byte> term, ref int left)
    {
        if (term.Length is < MinLength or > MaxLength || term.ContainsAnyExceptInRange((byte)'a', (byte)'z'))
        {
            return null;
        }

        int edits = term.Length >= TwoEditsFrom ? 2 : 1;
        var best = new Candidate(edits + 1, 0, null);
        Span<byte> prefix = [term[0], term[1]];
        Look(index, prefix, term, default, ref best, ref left);
        prefix.Reverse();
        Look(index, prefix, term, default, ref best, ref left);
        if (best.Edits > 1)
        {
            // The second letter is another one, or missing.
            Look(index, term[..1], term, term[..2], ref best, ref left);
        }

        return best.Term;
    }

    /// <summary>Optimal string alignment distance, as far as it matters.</summary>
    /// <returns>The distance, or more than <paramref name="most"/>.</returns>
    internal static int Distance(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, int most)
    {
        if (Math.Abs(a.Length - b.Length) > most)
        {
            return most + 1;
        }

        Span<int> before = stackalloc int[MaxLength + 4], last = stackalloc int[MaxLength + 4];
        Span<int> row = stackalloc int[MaxLength + 4];
        for (int j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            int least = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int value = Math.Min(Math.Min(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    value = Math.Min(value, before[j - 2] + 1);
                }

                row[j] = value;
                least = Math.Min(least, value);
            }

            if (least > most)
            {
                return most + 1;
            }

            Span<int> free = before;
            before = last;
            last = row;
            row = free;
        }

        return last[b.Length];
    }

    private static void Look(
        IndexReader index, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> term, ReadOnlySpan<byte> done,
        ref Candidate best, ref int left)
    {
        uint letters = LettersOf(term);
        foreach ((SegmentReader reader, _) in index.Segments)
        {
            for (int t = reader.FirstFrom(prefix); t < reader.Terms && left > 0; t++)
            {
                ReadOnlySpan<byte> other = reader.Term(t);
                if (!other.StartsWith(prefix))
                {
                    break;
                }

                left--;
                int most = Math.Min(best.Edits, term.Length >= TwoEditsFrom ? 2 : 1);
                if (other.Length > MaxLength
                    || Math.Abs(other.Length - term.Length) > most
                    || (done.Length > 0 && other.StartsWith(done))
                    || BitOperations.PopCount(letters ^ LettersOf(other)) > 2 * most)
                {
                    continue;
                }

                int edits = Distance(term, other, most);
                int rows = edits <= most ? reader.Statistics(t).Rows : 0;
                if (edits < best.Edits || (edits == best.Edits && edits <= most && rows > best.Rows))
                {
                    best = new Candidate(edits, rows, other.ToArray());
                }
            }
        }
    }

    private static uint LettersOf(ReadOnlySpan<byte> term)
    {
        uint letters = 0;
        foreach (byte letter in term)
        {
            letters |= 1u << (letter & 31);
        }

        return letters;
    }

    private readonly record struct Candidate(int Edits, int Rows, byte[]? Term);
}
