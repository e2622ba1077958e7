using System.Text;

namespace Coach.Rag.Embeddings.Tokenizers;

/// <summary>A tokenizer's model: turns one piece into token ids.</summary>
internal interface ITokenModel
{
    /// <summary>The id that is left out of the mean; null when none is.</summary>
    int? UnknownId { get; }

    void Encode(string piece, List<int> ids);
}

/// <summary>Greedy longest match from the left (Schuster and Nakajima 2012, as in BERT).</summary>
internal sealed class WordPieceModel : ITokenModel
{
    private readonly Dictionary<string, int> _starts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _continuations = new(StringComparer.Ordinal);
    private readonly int _maxCharacters;
    private readonly int _longest;

    public WordPieceModel(
        IReadOnlyDictionary<string, int> vocabulary, string continuingPrefix, string unknown, int maxCharacters)
    {
        _maxCharacters = maxCharacters;
        UnknownId = vocabulary.TryGetValue(unknown, out int id) ? id : null;
        foreach ((string token, int tokenId) in vocabulary)
        {
            _longest = Math.Max(_longest, token.Length);
            _starts[token] = tokenId;
            if (continuingPrefix.Length > 0 && token.Length > continuingPrefix.Length
                && token.StartsWith(continuingPrefix, StringComparison.Ordinal))
            {
                _continuations[token[continuingPrefix.Length..]] = tokenId;
            }
        }

        _continuations = continuingPrefix.Length == 0 ? _starts : _continuations;
    }

    public int? UnknownId { get; }

    public void Encode(string piece, List<int> ids)
    {
        int first = ids.Count;
        int characters = 0;
        foreach (Rune _ in piece.EnumerateRunes())
        {
            characters++;
        }

        if (characters <= _maxCharacters && TryEncode(piece, ids))
        {
            return;
        }

        ids.RemoveRange(first, ids.Count - first);
        if (UnknownId is { } unknown)
        {
            ids.Add(unknown);
        }
    }

    private bool TryEncode(ReadOnlySpan<char> rest, List<int> ids)
    {
        var lookup = _starts.GetAlternateLookup<ReadOnlySpan<char>>();
        while (rest.Length > 0)
        {
            int length = Math.Min(rest.Length, _longest), id = 0;
            while (length > 0 && !lookup.TryGetValue(rest[..length], out id))
            {
                length--;
            }

            if (length == 0)
            {
                return false;
            }

            ids.Add(id);
            rest = rest[length..];
            lookup = _continuations.GetAlternateLookup<ReadOnlySpan<char>>();
        }

        return true;
    }
}

/// <summary>
/// The most probable segmentation (Kudo 2018, "Subword Regularization"), found by dynamic programming.
/// </summary>
internal sealed class UnigramModel : ITokenModel
{
    // What SentencePiece takes off the least score for a character that no piece covers.
    private const double UnknownPenalty = 10;
    private readonly string[] _pieces;  // sorted, for narrowing by one character at a time
    private readonly (int Id, double Score)[] _values;
    private readonly Dictionary<char, (int First, int End)> _ranges = [];
    private readonly int? _unknown;
    private readonly double _unknownScore;

    public UnigramModel(IReadOnlyList<(string Piece, double Score)> vocabulary, int? unknown)
    {
        _unknown = unknown;
        (string Piece, int Id, double Score)[] sorted = [.. vocabulary.Select(
            (entry, id) => (entry.Piece, id, entry.Score)).Where(entry => entry.Piece.Length > 0)];
        Array.Sort(sorted, (a, b) => string.CompareOrdinal(a.Piece, b.Piece));
        _pieces = [.. sorted.Select(entry => entry.Piece)];
        _values = [.. sorted.Select(entry => (entry.Id, entry.Score))];
        _unknownScore = (vocabulary.Count == 0 ? 0 : vocabulary.Min(entry => entry.Score)) - UnknownPenalty;
        for (int i = 0; i < _pieces.Length; i++)
        {
            char c = _pieces[i][0];
            _ranges[c] = _ranges.TryGetValue(c, out var range) ? (range.First, i + 1) : (i, i + 1);
        }
    }

    /// <summary>None: the reference keeps the unknown token of such models in the mean.</summary>
    public int? UnknownId => null;

    public void Encode(string piece, List<int> ids)
    {
        var best = new (double Score, int Start, int Id)[piece.Length + 1];
        for (int i = 1; i <= piece.Length; i++)
        {
            best[i] = (double.NegativeInfinity, 0, -1);
        }

        for (int start = 0; start < piece.Length; start++)
        {
            if (double.IsNegativeInfinity(best[start].Score))
            {
                continue;
            }

            int length = char.IsHighSurrogate(piece[start]) && start + 1 < piece.Length
                && char.IsLowSurrogate(piece[start + 1]) ? 2 : 1;
            bool hasSingle = false;
            (int first, int end) = _ranges.GetValueOrDefault(piece[start]);
            for (int count = 1; first < end; count++)
            {
                if (_pieces[first].Length == count)
                {
                    hasSingle |= count == length;
                    Offer(best, start, start + count, _values[first].Score, _values[first].Id);
                }

                if (start + count == piece.Length)
                {
                    break;
                }

                char next = piece[start + count];
                first = Bound(first, end, count, next, isUpper: false);
                end = Bound(first, end, count, next, isUpper: true);
            }

            if (!hasSingle)
            {
                Offer(best, start, start + length, _unknownScore, -1);
            }
        }

        int mark = ids.Count;
        for (int at = piece.Length; at > 0; at = best[at].Start)
        {
            int? id = best[at].Id >= 0 ? best[at].Id : _unknown;

            // Neighbouring unknown characters are one token.
            if (id is { } known && (best[at].Id >= 0 || ids.Count == mark || ids[^1] != known))
            {
                ids.Add(known);
            }
        }

        ids.Reverse(mark, ids.Count - mark);
    }

    private static void Offer((double Score, int Start, int Id)[] best, int start, int end, double score, int id)
    {
        double total = best[start].Score + score;
        if (total > best[end].Score)
        {
            best[end] = (total, start, id);
        }
    }

    // The first piece of the range whose character at 'position' is not below (or, for the upper bound, is above) the
    // given one.
    private int Bound(int first, int end, int position, char value, bool isUpper)
    {
        while (first < end)
        {
            int middle = first + ((end - first) / 2);
            int here = _pieces[middle].Length > position ? _pieces[middle][position] : -1;
            if (here < value || (isUpper && here == value))
            {
                first = middle + 1;
            }
            else
            {
                end = middle;
            }
        }

        return first;
    }
}
