using System.Text;
using Coach.Rag.Analysis;
using Coach.Rag.Segments;

namespace Coach.Rag.Lexical;

/// <summary>
/// Words that languages such as German write as one: a question's "Verbindung" is also met in "Datenbankverbindung",
/// and its "Verbindungsfehler" in "Verbindung" and "Fehler". What is a part of a word is told by the index's own
/// dictionary, so that no list of words is needed.
/// </summary>
internal static class CompoundTerms
{
    /// <summary>The most terms of a dictionary that one question looks at.</summary>
    public const int MaxCompared = 200_000;

    /// <summary>The most words of a question that are looked for so.</summary>
    public const int MaxWords = 8;

    /// <summary>The most compounds that one word is looked for in.</summary>
    public const int MaxCompounds = 3;

    /// <summary>What a compound that holds a word counts, as a share of the word.</summary>
    public const float CompoundShare = 0.6f;

    /// <summary>What a part of a word counts, as a share of the word.</summary>
    public const float PartShare = 0.8f;

    private const int MinTail = 4;
    private const int MinHead = 5;
    private const int MinRest = 3;
    private const int MinPart = 4;
    private const int MaxWord = 48;

    /// <summary>The terms that have a word as their first or last part, those of most passages first.</summary>
    /// <param name="index">The index.</param>
    /// <param name="word">The word as it is indexed.</param>
    /// <param name="left">How many comparisons are left; those made are taken off.</param>
    public static IEnumerable<byte[]> Holding(IndexReader index, ReadOnlySpan<byte> word, ref int left)
    {
        if (word.Length is < MinTail or > MaxWord)
        {
            return [];
        }

        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach ((SegmentReader reader, _) in index.Segments)
        {
            for (int t = 0; t < reader.Terms && left > 0; t++)
            {
                left--;
                ReadOnlySpan<byte> term = reader.Term(t);
                if (IsCompound(term, word))
                {
                    string name = Encoding.UTF8.GetString(term);
                    found[name] = found.GetValueOrDefault(name) + reader.Statistics(t).Rows;
                }
            }
        }

        return found
            .OrderByDescending(each => each.Value)
            .ThenBy(each => each.Key, StringComparer.Ordinal)
            .Take(MaxCompounds)
            .Select(each => Encoding.UTF8.GetBytes(each.Key));
    }

    /// <summary>
    /// The parts of a word that the index knows: two that make the whole, or else its longest first or last part.
    /// </summary>
    /// <param name="index">The index.</param>
    /// <param name="language">The language that joins them, with or without a letter between ("Verbindungs-").</param>
    /// <param name="written">The word as the question has it.</param>
    public static IReadOnlyList<byte[]> PartsOf(IndexReader index, LanguageTerms language, string written)
    {
        byte[]? longest = null;
        (byte[] Head, byte[] Tail)? whole = null;
        for (int at = MinPart; at <= written.Length - MinPart && written.Length <= MaxWord; at++)
        {
            byte[]? head = Known(index, language, written[..at]), tail = Known(index, language, written[at..]);
            if (head is not null && tail is not null && Shorter(head, tail) > Shorter(whole?.Head, whole?.Tail))
            {
                whole = (head, tail);
            }

            longest = Longer(longest, Longer(head, tail));
        }

        if (whole is { } both)
        {
            return [both.Head, both.Tail];
        }

        return longest is null ? [] : [longest];
    }

    private static bool IsCompound(ReadOnlySpan<byte> term, ReadOnlySpan<byte> word)
    {
        int rest = term.Length - word.Length;
        return rest >= MinRest
            && (term.EndsWith(word) || (rest >= MinTail && word.Length >= MinHead && term.StartsWith(word)));
    }

    private static int Shorter(byte[]? head, byte[]? tail) => Math.Min(head?.Length ?? 0, tail?.Length ?? 0);

    private static byte[]? Longer(byte[]? one, byte[]? other) =>
        (other?.Length ?? 0) > (one?.Length ?? 0) ? other : one;

    private static byte[]? Known(IndexReader index, LanguageTerms language, string part)
    {
        if (language.Of(part, out _) is not { Length: >= MinPart } stem)
        {
            return null;
        }

        byte[] term = Encoding.UTF8.GetBytes(stem);
        foreach ((SegmentReader reader, _) in index.Segments)
        {
            if (reader.TryFind(term, out _))
            {
                return term;
            }
        }

        return null;
    }
}
