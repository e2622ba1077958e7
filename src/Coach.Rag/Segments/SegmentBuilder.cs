using System.Runtime.InteropServices;
using System.Text;
using Coach.Rag.Analysis;
using Coach.Rag.Documents;
using Coach.Rag.Store;

namespace Coach.Rag.Segments;

/// <summary>Collects documents and their passages, inverts them, and writes the sections of one segment.</summary>
/// <param name="k1">BM25's k1.</param>
/// <param name="b">BM25's b.</param>
/// <param name="analysis">How text becomes terms; English unless given.</param>
/// <param name="compresses">Whether text is written in compressed blocks.</param>
internal sealed class SegmentBuilder(float k1, float b, TextAnalysis? analysis = null, bool compresses = true)
{
    // The language of a text shows in its beginning.
    private const int LanguageSample = 8_000;

    private readonly TextAnalysis _analysis = analysis ?? TextAnalysis.English;
    // raw token → term, −1 for a stop word
    private readonly Dictionary<string, int> _tokens = new(StringComparer.Ordinal);
    // the like for each language, by the word as it is written
    private readonly Dictionary<LanguageTerms, Dictionary<string, int>> _words = [];
    private readonly Dictionary<string, int> _termIds = new(StringComparer.Ordinal);
    private readonly List<string> _terms = [];
    private readonly List<int> _frequencyOf = [];                                       // document frequency by term
    // the term's newest forward entry
    private readonly List<int> _lastEntryOf = [];
    private readonly List<int> _entryTerms = [];                                        // forward index: terms …
    private readonly List<ushort> _entryFrequencies = [];                               // … and how often
    // first forward entry of each row
    private readonly List<int> _rowStarts = [];
    private readonly List<ushort> _lengths = [];
    private readonly ByteBuffer _text = new(compresses ? 0 : 1 << 16);
    private readonly TextBlockWriter? _blocks = compresses ? new TextBlockWriter() : null;
    private readonly ByteBuffer _records = new(1 << 14);
    private readonly Dictionary<string, int> _headingIds = new(StringComparer.Ordinal);
    private readonly List<string> _headings = [];
    private readonly List<DocumentEntry> _documents = [];
    private readonly List<(int First, int Count)> _ranges = [];
    private readonly List<int> _pages = [];
    private long _totalTokens;
    private bool _hasPages;
    private int _rowTokens;

    // Of the document that is added; null for English.
    private LanguageTerms? _language;
    private Dictionary<string, int> _wordsOfLanguage = [];

    /// <summary>Passages so far.</summary>
    public int Rows => _lengths.Count;

    /// <summary>Documents so far.</summary>
    public int Documents => _documents.Count;

    /// <summary>The distinct terms so far, by number.</summary>
    public IReadOnlyList<string> Terms => _terms;

    /// <summary>Adds a document; its passages take the next rows.</summary>
    public void Add(DocumentEntry document, StructuredText text, IReadOnlyList<Chunk> chunks)
    {
        Begin(document, chunks.Count, text.Text.AsSpan(0, Math.Min(text.Text.Length, LanguageSample)));
        foreach (Chunk chunk in chunks)
        {
            ReadOnlySpan<char> slice = text.Text.AsSpan(chunk.Start, chunk.Length);
            Chunk range = text.InSource(chunk);
            if (chunk.HeadLength > 0)
            {
                AddRow(document, $"{text.Text.AsSpan(chunk.HeadStart, chunk.HeadLength)}\n{slice}", range);
            }
            else
            {
                AddRow(document, slice, range);
            }
        }
    }

    /// <summary>Adds a document as another segment holds it.</summary>
    public void Add(SegmentReader from, int document)
    {
        DocumentEntry entry = from.Document(document);
        (int first, int count) = from.RowsOf(document);
        Begin(entry, count, SampleOf(from, first, count));
        for (int row = first; row < first + count; row++)
        {
            (string text, Chunk chunk) = from.Passage(row);
            AddRow(entry, text, chunk);
        }
    }

    private void Begin(DocumentEntry document, int rows, ReadOnlySpan<char> sample)
    {
        _documents.Add(document);
        _ranges.Add((Rows, rows));
        if (_analysis.Languages.Count == 0)
        {
            return;
        }

        if (!_analysis.TryFind(LanguageNamedBy(document), out _language))
        {
            _language = _analysis.LanguageOfDocument(sample);
        }

        if (_language is not null && !_words.TryGetValue(_language, out _wordsOfLanguage!))
        {
            _words.Add(_language, _wordsOfLanguage = new Dictionary<string, int>(StringComparer.Ordinal));
        }
    }

    private static string? LanguageNamedBy(DocumentEntry document) =>
        document.Metadata.GetValueOrDefault("lang") ?? document.Metadata.GetValueOrDefault("language");

    private string SampleOf(SegmentReader from, int first, int count)
    {
        if (_analysis.Languages.Count == 0)
        {
            return "";
        }

        var sample = new StringBuilder();
        for (int row = first; row < first + count && sample.Length < LanguageSample; row++)
        {
            sample.Append(from.Passage(row).Text).Append(' ');
        }

        return sample.ToString();
    }

    private void AddRow(DocumentEntry document, ReadOnlySpan<char> slice, Chunk chunk)
    {
        int offset = _blocks?.Length ?? _text.Length;
        int bytes = _blocks?.Add(slice) ?? _text.RawText(slice);
        _records.Int32(offset);
        _records.Int32(bytes);
        _records.Int32(_documents.Count - 1);
        _records.Int32(chunk.Start);
        _records.Int32(chunk.Length);
        _records.Int32(HeadingId(chunk.Heading));

        _pages.Add(chunk.Page);
        _hasPages |= chunk.Page > 0;
        _rowStarts.Add(_entryTerms.Count);
        _rowTokens = 0;
        var sink = new Sink(this);

        // A passage without text is never an answer: it has no words to be found by.
        if (!slice.IsWhiteSpace())
        {
            Tokenizer.Run(document.Title, ref sink);
            Tokenizer.Run(chunk.Heading, ref sink);
            Tokenizer.Run(slice, ref sink);
        }

        _lengths.Add((ushort)Math.Min(_rowTokens, ushort.MaxValue));
        _totalTokens += _rowTokens;
    }

    /// <summary>Writes the sections.</summary>
    public SegmentPayload Build()
    {
        var postings = new ByteBuffer(Math.Max(1024, _entryTerms.Count * 2));
        ByteBuffer terms = WriteTerms(postings);
        postings.Append(PostingCodec.Padding).Clear();
        var rows = new ByteBuffer(16 + (Rows * 2));
        rows.Int32(Rows);
        rows.Int32(0);
        rows.Int64(_totalTokens);
        rows.Values<ushort>(CollectionsMarshal.AsSpan(_lengths));
        SegmentPayload payload = new SegmentPayload()
            .Add(SectionKind.Documents, StoredDocuments.Write(_documents, _ranges).Memory)
            .Add(SectionKind.Passages, WritePassages().Memory)
            .Add(compresses ? SectionKind.TextBlocks : SectionKind.Text, _blocks?.Finish().Memory ?? _text.Memory)
            .Add(SectionKind.Terms, terms.Memory)
            .Add(SectionKind.Postings, postings.Memory)
            .Add(SectionKind.LexicalRows, rows.Memory)
            .Add(SectionKind.Analyser, Encoding.UTF8.GetBytes(_analysis.Identity));
        if (_hasPages)
        {
            var pages = new ByteBuffer(_pages.Count * 4);
            pages.Values<int>(CollectionsMarshal.AsSpan(_pages));
            payload.Add(SectionKind.Pages, pages.Memory);
        }

        return payload;
    }

    /// <summary>
    /// Calls for each distinct term of a row, with its number in <see cref="Terms"/> and its frequency.
    /// </summary>
    public void ForEachTerm(int row, Action<int, int> visit)
    {
        int end = EndOf(row);
        for (int e = _rowStarts[row]; e < end; e++)
        {
            visit(_entryTerms[e], _entryFrequencies[e]);
        }
    }

    private int EndOf(int row) => row + 1 < Rows ? _rowStarts[row + 1] : _entryTerms.Count;

    private ByteBuffer WritePassages()
    {
        var passages = new ByteBuffer(8 + _records.Length + (_headings.Count * 32));
        passages.Int32(Rows);
        passages.Int32(_headings.Count);
        passages.Bytes(_records.Span);
        StringBlock.Write(_headings, passages);
        return passages;
    }

    // Terms sorted by their UTF-8 bytes: offsets, figures, bytes.
    private ByteBuffer WriteTerms(ByteBuffer postings)
    {
        int count = _terms.Count;
        var names = new byte[count][];
        var order = new int[count];
        for (int i = 0; i < count; i++)
        {
            names[i] = Encoding.UTF8.GetBytes(_terms[i]);
            order[i] = i;
        }

        order.AsSpan().Sort((x, y) => names[x].AsSpan().SequenceCompareTo(names[y]));

        // Counting sort of the forward entries by term: rows come out ascending.
        var starts = new int[count + 1];
        for (int t = 0; t < count; t++)
        {
            starts[t + 1] = starts[t] + _frequencyOf[t];
        }

        var next = starts.AsSpan(0, count).ToArray();
        var rows = new int[_entryTerms.Count];
        var frequencies = new ushort[_entryTerms.Count];
        for (int row = 0; row < Rows; row++)
        {
            int end = EndOf(row);
            for (int e = _rowStarts[row]; e < end; e++)
            {
                int at = next[_entryTerms[e]]++;
                rows[at] = row;
                frequencies[at] = _entryFrequencies[e];
            }
        }

        var model = new Bm25(k1, b, Rows == 0 ? 0 : (double)_totalTokens / Rows);
        Func<int, ushort, float> weight = (row, frequency) => model.Weight(frequency, _lengths[row]);
        var output = new ByteBuffer(32 + (count * 24));
        output.Int32(count);
        output.Single(k1);
        output.Single(b);
        output.Single(model.AverageLength);
        int nameOffset = 0;
        foreach (int t in order)
        {
            output.Int32(nameOffset);
            nameOffset += names[t].Length;
        }

        output.Int32(nameOffset);
        foreach (int t in order)
        {
            int offset = postings.Length;
            float largest = PostingCodec.Write(
                rows.AsSpan(starts[t], _frequencyOf[t]), frequencies.AsSpan(
                    starts[t], _frequencyOf[t]), weight, postings);
            output.Int32(_frequencyOf[t]);
            output.Int32(offset);
            output.Single(largest);
        }

        foreach (int t in order)
        {
            output.Bytes(names[t]);
        }

        return output;
    }

    private int HeadingId(string heading)
    {
        ref int id = ref CollectionsMarshal.GetValueRefOrAddDefault(_headingIds, heading, out bool exists);
        if (!exists)
        {
            id = _headings.Count;
            _headings.Add(heading);
        }

        return id;
    }

    private void AddToken(scoped Span<char> token, scoped ReadOnlySpan<char> written)
    {
        int term = _language is null || written.IsEmpty ? EnglishTermOf(token) : TermOf(_language, token, written);
        if (term < 0)
        {
            return;
        }

        _rowTokens++;
        int last = _lastEntryOf[term];
        if (last >= _rowStarts[^1])
        {
            ref ushort frequency = ref CollectionsMarshal.AsSpan(_entryFrequencies)[last];
            frequency += (ushort)(frequency < ushort.MaxValue ? 1 : 0);
            return;
        }

        _lastEntryOf[term] = _entryTerms.Count;
        _frequencyOf[term]++;
        _entryTerms.Add(term);
        _entryFrequencies.Add(1);
    }

    private int EnglishTermOf(scoped Span<char> token)
    {
        var lookup = _tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(token, out int term))
        {
            string raw = new(token);
            int length = TermNormalizer.Normalize(token);
            term = length == 0 ? -1 : TermId(token[..length]);
            _tokens.Add(raw, term);
        }

        return term;
    }

    private int TermOf(LanguageTerms language, ReadOnlySpan<char> token, ReadOnlySpan<char> written)
    {
        var lookup = _wordsOfLanguage.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(written, out int term))
        {
            string? stem = language.Of(written, out bool isStopWord);
            ReadOnlySpan<char> indexed = stem is null ? token : stem;
            term = isStopWord ? -1 : TermId(indexed);
            _wordsOfLanguage.Add(written.ToString(), term);
        }

        return term;
    }

    private int TermId(ReadOnlySpan<char> term)
    {
        var lookup = _termIds.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(term, out int id))
        {
            id = _terms.Count;
            string name = new(term);
            _termIds.Add(name, id);
            _terms.Add(name);
            _frequencyOf.Add(0);
            _lastEntryOf.Add(-1);
        }

        return id;
    }

    private readonly struct Sink(SegmentBuilder builder) : ITokenSink
    {
        public void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written) =>
            builder.AddToken(token, written);
    }
}
