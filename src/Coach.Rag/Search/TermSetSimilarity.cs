using Coach.Rag.Analysis;

namespace Coach.Rag.Search;

/// <summary>
/// Redundancy: the similarity of each text to the nearest of those chosen so far, by the cosine of their sets of terms:
/// 0 when they share nothing, 1 when they are the same. A choice costs one step for each text that a term of the chosen
/// one stands in.
/// </summary>
internal sealed class TermSetSimilarity
{
    private readonly int[][] _terms;
    private readonly List<List<int>> _texts = [];
    private readonly double[] _likeness;
    private readonly int[] _shared;

    public TermSetSimilarity(IReadOnlyList<string> texts)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        _terms = new int[texts.Count][];
        _likeness = new double[texts.Count];
        _shared = new int[texts.Count];
        for (int i = 0; i < texts.Count; i++)
        {
            HashSet<string> words = TermSet.Of(texts[i]);
            var terms = new List<int>(words.Count);
            foreach (string word in words)
            {
                if (!numbers.TryGetValue(word, out int number))
                {
                    numbers.Add(word, number = _texts.Count);
                    _texts.Add([]);
                }

                _texts[number].Add(i);
                terms.Add(number);
            }

            _terms[i] = [.. terms];
        }
    }

    public double this[int text] => _likeness[text];

    public void Choose(int text)
    {
        Array.Clear(_shared);
        foreach (int term in _terms[text])
        {
            foreach (int other in _texts[term])
            {
                _shared[other]++;
            }
        }

        for (int i = 0; i < _shared.Length; i++)
        {
            if (_shared[i] > 0)
            {
                _likeness[i] = Math.Max(
                    _likeness[i], _shared[i] / Math.Sqrt((double)_terms[i].Length * _terms[text].Length));
            }
        }
    }
}

/// <summary>The terms of a passage, to compare passages by.</summary>
internal static class TermSet
{
    public static HashSet<string> Of(string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var sink = new Sink(words);
        Tokenizer.Run(text, ref sink);
        return words;
    }

    private readonly struct Sink(HashSet<string> words) : ITokenSink
    {
        public void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written)
        {
            int length = TermNormalizer.Normalize(token);
            if (length > 0)
            {
                words.Add(new string(token[..length]));
            }
        }
    }
}
