using System.Text;
using Coach.Rag.Analysis;
using Coach.Rag.Segments;

namespace Coach.Rag.Lexical;

/// <summary>The distinct terms of a question with their weights. Reused from one question to the next.</summary>
internal sealed class WeightedQuery
{
    private readonly WeightedTerm[] _terms = new WeightedTerm[LexicalBuffers.MaxTerms];
    private byte[] _bytes = new byte[4096];
    private int _used;

    public int Count { get; private set; }

    public ReadOnlySpan<WeightedTerm> Terms => _terms.AsSpan(0, Count);

    /// <summary>The inverse document frequency of the rarest term that the index knows.</summary>
    public float LargestIdf { get; private set; }

    /// <summary>The sum of the weights: what a passage with every term without end would score.</summary>
    public float Mass { get; private set; }

    /// <summary>Reads a question. Words beyond 256 distinct ones are left out.</summary>
    public void Read(ReadOnlySpan<char> query)
    {
        Count = 0;
        _used = 0;
        var sink = new Sink(this);
        Tokenizer.Run(query, ref sink);
    }

    /// <summary>Weighs the terms by an index; those that it does not know are kept, with weight 0.</summary>
    /// <param name="index">The index.</param>
    /// <param name="correctsTypos">
    /// Whether one that it does not know is replaced by the one that was probably meant.
    /// </param>
    public void Weigh(IndexReader index, bool correctsTypos = false)
    {
        LargestIdf = 0;
        Mass = 0;
        int comparisons = FuzzyTerms.MaxCompared, words = correctsTypos ? FuzzyTerms.MaxWords : 0;
        for (int i = 0; i < Count; i++)
        {
            float share = 1;
            bool isWritten = true;
            long rows = RowsOf(index, _terms[i].Bytes.Span);
            if (rows == 0
                && words-- > 0
                && FuzzyTerms.Find(index, _terms[i].Bytes.Span, ref comparisons) is { } meant
                && !Holds(meant))
            {
                _terms[i] = _terms[i] with { Bytes = meant };
                rows = RowsOf(index, meant);
                share = FuzzyTerms.Share;
                isWritten = false;
            }

            float idf = rows == 0 ? 0 : Bm25.Idf(index.Rows, rows);
            _terms[i] = _terms[i] with { Weight = share * idf * _terms[i].Count };
            LargestIdf = Math.Max(LargestIdf, idf);

            // A word that no passage has is still part of what was asked, also where another stands for it.
            Mass += _terms[i].Count * (rows == 0 || !isWritten ? Bm25.Idf(index.Rows, 1) : idf);
        }
    }

    private static long RowsOf(IndexReader index, ReadOnlySpan<byte> term)
    {
        long rows = 0;
        foreach ((SegmentReader reader, _) in index.Segments)
        {
            rows += reader.TryFind(term, out TermStatistics statistics) ? statistics.Rows : 0;
        }

        return rows;
    }

    private bool Holds(ReadOnlySpan<byte> term)
    {
        foreach (ref readonly WeightedTerm other in Terms)
        {
            if (other.Bytes.Span.SequenceEqual(term))
            {
                return true;
            }
        }

        return false;
    }

    private void Add(ReadOnlySpan<char> term)
    {
        int bytes = Encoding.UTF8.GetMaxByteCount(term.Length);
        if (_used + bytes > _bytes.Length)
        {
            // Terms hold slices of the old memory; they keep it alive.
            _bytes = new byte[Math.Max(_bytes.Length * 2, bytes)];
            _used = 0;
        }

        int length = Encoding.UTF8.GetBytes(term, _bytes.AsSpan(_used));
        ReadOnlyMemory<byte> memory = _bytes.AsMemory(_used, length);
        for (int i = 0; i < Count; i++)
        {
            if (_terms[i].Bytes.Span.SequenceEqual(memory.Span))
            {
                _terms[i] = _terms[i] with { Count = _terms[i].Count + 1 };
                return;
            }
        }

        if (Count < _terms.Length)
        {
            _terms[Count++] = new WeightedTerm(memory, 1, 0);
            _used += length;
        }
    }

    private readonly struct Sink(WeightedQuery terms) : ITokenSink
    {
        public void Accept(scoped Span<char> token)
        {
            int length = TermNormalizer.Normalize(token);
            if (length > 0)
            {
                terms.Add(token[..length]);
            }
        }
    }
}
