using System.Buffers;
using System.Text;

namespace Coach.Rag;

/// <summary>An index: the store, how it is written, and how its newest commit is searched.</summary>
internal sealed class RagIndex(IIndexStore store, CoachRagOptions options) : IDisposable
{
    private readonly System.Collections.Concurrent.ConcurrentBag<LexicalScratch> _scratch = [];
    private volatile IndexView? _view;

    public IIndexStore Store => store;

    public CoachRagOptions Options => options;

    public int DocumentCount => Read(static view => view.LiveDocuments);

    public int PassageCount => Read(static view => view.LivePassages);

    public IngestBatch BeginBatch(IngestTally tally, CancellationToken cancellationToken) => new(this, tally, cancellationToken);

    public void Dispose() => store.Dispose();

    public T Read<T>(Func<IndexView, T> read)
    {
        using IndexSnapshot snapshot = store.Acquire();
        return read(ViewOf(snapshot));
    }

    public IndexView ViewOf(IndexSnapshot snapshot)
    {
        IndexView? view = _view;
        if (view is null || view.CommitId != snapshot.CommitId)
        {
            _view = view = new IndexView(snapshot);
        }

        return view;
    }

    /// <summary>The best rows by BM25.</summary>
    public int SearchLexical(IndexView view, string query, int limit, Span<ScoredRow> output, bool prune = true)
    {
        List<QueryTerm> terms = QueryTerms(view, query);
        if (terms.Count == 0)
        {
            return 0;
        }

        LexicalScratch scratch = _scratch.TryTake(out LexicalScratch? taken) ? taken : new LexicalScratch();
        scratch.Top.Reset(limit);
        var model = new Bm25(options.Bm25K1, options.Bm25B, view.AverageLength);
        for (int s = 0; s < view.Segments.Count; s++)
        {
            (SegmentReader reader, RowBitmap deleted) = view.Segments[s];
            LexicalSearch.Run(reader, s, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(terms), model, deleted.Bytes.Span, default, scratch, prune);
        }

        int count = scratch.Top.Drain(output);
        _scratch.Add(scratch);
        return count;
    }

    private static List<QueryTerm> QueryTerms(IndexView view, string query)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var sink = new QuerySink(counts);
        Tokenizer.Run(query, ref sink);
        var terms = new List<QueryTerm>(counts.Count);
        foreach ((string term, int count) in counts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(term);
            long rows = 0;
            foreach ((SegmentReader reader, _) in view.Segments)
            {
                rows += reader.TryFind(bytes, out TermFigures figures) ? figures.Rows : 0;
            }

            if (rows > 0)
            {
                terms.Add(new QueryTerm(bytes, count, count * Bm25.Idf(view.Rows, rows)));
            }
        }

        return terms;
    }

    private readonly struct QuerySink(Dictionary<string, int> counts) : ITokenSink
    {
        public void Accept(scoped Span<char> token)
        {
            int length = TermNormalizer.Normalize(token);
            if (length > 0)
            {
                System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, new string(token[..length]), out _)++;
            }
        }
    }
}
