using System.Text;
using Coach.Rag.Analysis;
using Coach.Rag.Segments;

namespace Coach.Rag.Lexical;

/// <summary>The distinct terms of a question with their weights. Reused from one question to the next.</summary>
internal sealed class WeightedQuery
{
    private readonly WeightedTerm[] _terms = new WeightedTerm[LexicalBuffers.MaxTerms];
    private readonly string?[] _written = new string?[LexicalBuffers.MaxTerms];
    private byte[] _bytes = new byte[4096];
    private int _used;
    private TextAnalysis _analysis = TextAnalysis.English;
    private LanguageTerms? _language;
    private uint _tied;

    public int Count { get; private set; }

    public ReadOnlySpan<WeightedTerm> Terms => _terms.AsSpan(0, Count);

    /// <summary>The inverse document frequency of the rarest term that the index knows.</summary>
    public float LargestIdf { get; private set; }

    /// <summary>The sum of the weights: what a passage with every term without end would score.</summary>
    public float Mass { get; private set; }

    /// <summary>Reads a question. Words beyond 256 distinct ones are left out.</summary>
    /// <param name="query">The question.</param>
    /// <param name="analysis">What it is read by; English alone unless given.</param>
    public void Read(ReadOnlySpan<char> query, TextAnalysis? analysis = null)
    {
        Count = 0;
        _used = 0;
        _analysis = analysis ?? TextAnalysis.English;
        _language = _analysis.LanguageOf(query, out _tied);
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
        int compounds = CompoundTerms.MaxCompared;
        int written = Count;
        for (int i = 0; i < written; i++)
        {
            float share = 1;
            bool isWritten = true;
            long rows = RowsOf(index, _terms[i].Bytes.Span);
            if (_analysis.Languages.Count > 0 && _written[i] is { } word)
            {
                rows = rows > 0 ? rows : ReadInOtherLanguage(index, i, word);
                (rows, share) = JoinCompounds(index, i, word, rows, ref compounds);
                isWritten = share >= 1;
            }

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

    // Where no passage has the word as its own language stems it, another language of the documents may.
    private long ReadInOtherLanguage(IndexReader index, int term, string word)
    {
        long most = 0;
        foreach (LanguageTerms? language in _analysis.Languages.Prepend(null))
        {
            if (language == _language || TermOf(language, word) is not { } other)
            {
                continue;
            }

            byte[] bytes = Encoding.UTF8.GetBytes(other);
            long rows = RowsOf(index, bytes);
            if (rows > most && !Holds(bytes))
            {
                most = rows;
                _terms[term] = _terms[term] with { Bytes = bytes };
            }
        }

        return most;
    }

    // Compounds that hold the word are asked for, too; a word that no passage has gives way to its parts.
    private (long Rows, float Share) JoinCompounds(
        IndexReader index, int term, string word, long rows, ref int comparisons)
    {
        LanguageTerms? joining = _tied == 0
            ? _language
            : _analysis.Languages.FirstOrDefault(each => each.Analyzer.WritesCompounds);
        if (joining?.Analyzer.WritesCompounds != true || term >= CompoundTerms.MaxWords)
        {
            return (rows, 1);
        }

        float share = 1;
        if (rows == 0)
        {
            foreach (byte[] part in CompoundTerms.PartsOf(index, joining, word).Where(part => !Holds(part)))
            {
                rows = Put(index, term, part, CompoundTerms.PartShare, rows);
                share = CompoundTerms.PartShare;
            }
        }

        if (share >= 1)
        {
            foreach (byte[] compound in CompoundTerms.Holding(index, _terms[term].Bytes.Span, ref comparisons))
            {
                if (IndexOf(compound) is >= 0 and var other)
                {
                    // "Verbindung zur Datenbank" asks twice for "Datenbankverbindung".
                    float idf = Bm25.Idf(index.Rows, RowsOf(index, compound));
                    float more = CompoundTerms.CompoundShare * idf * _terms[term].Count;
                    _terms[other] = _terms[other] with { Weight = _terms[other].Weight + more };
                    continue;
                }

                share = rows > 0 ? share : CompoundTerms.CompoundShare;
                rows = Put(index, term, compound, CompoundTerms.CompoundShare, rows);
            }
        }

        return (rows, share);
    }

    // In the place of a term that no passage has, else behind the others.
    private long Put(IndexReader index, int term, byte[] other, float share, long rows)
    {
        long found = RowsOf(index, other);
        if (rows == 0)
        {
            _terms[term] = _terms[term] with { Bytes = other };
            return found;
        }

        if (Count < _terms.Length)
        {
            _terms[Count++] = new WeightedTerm(
                other, 0, share * Bm25.Idf(index.Rows, found) * _terms[term].Count);
        }

        return rows;
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

    private bool Holds(ReadOnlySpan<byte> term) => IndexOf(term) >= 0;

    private int IndexOf(ReadOnlySpan<byte> term)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_terms[i].Bytes.Span.SequenceEqual(term))
            {
                return i;
            }
        }

        return -1;
    }

    // Null for what is no word of a language, and for a word that carries no topic in it.
    private static string? TermOf(LanguageTerms? language, string word)
    {
        if (language is not null)
        {
            return language.Of(word, out _);
        }

        Span<char> letters = stackalloc char[(Tokenizer.MaxTokenLength * 3) + 8];
        int length = 0;
        foreach (char c in word)
        {
            length += length < Tokenizer.MaxTokenLength ? Tokenizer.FoldTo(c, letters[length..]) : 0;
        }

        length = TermNormalizer.Normalize(letters[..length]);
        return length == 0 ? null : letters[..length].ToString();
    }

    private void Add(ReadOnlySpan<char> term, ReadOnlySpan<char> written)
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
            _written[Count] = _analysis.Languages.Count == 0 || written.IsEmpty ? null : written.ToString();
            _terms[Count++] = new WeightedTerm(memory, 1, 0);
            _used += length;
        }
    }

    private void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written)
    {
        if (_language is not null && !written.IsEmpty)
        {
            string? stem = _language.Of(written, out bool isStopWord);
            if (stem is not null)
            {
                Add(stem, written);
            }
            else if (!isStopWord)
            {
                Add(token, written);
            }

            return;
        }

        if (_tied != 0 && _analysis.IsCommon(written, _tied))
        {
            return;
        }

        int length = TermNormalizer.Normalize(token);
        if (length > 0)
        {
            Add(token[..length], written);
        }
    }

    private readonly struct Sink(WeightedQuery terms) : ITokenSink
    {
        public void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written) =>
            terms.Accept(token, written);
    }
}
