using Coach.Rag.Documents;
using Coach.Rag.Segments;

namespace Coach.Rag.Search;

/// <summary>
/// Chooses among ranked rows: a least score, a cap a source, and maximal marginal relevance where difference is asked
/// for.
/// </summary>
internal readonly ref struct MmrSelector(IndexReader index, ReadOnlySpan<FusedDoc> ranked)
{
    private const int MinPool = 50;
    private const int PoolPerSource = 4;
    private readonly ReadOnlySpan<FusedDoc> _ranked = ranked;

    /// <summary>Takes the passages, best first.</summary>
    /// <param name="top">The most passages.</param>
    /// <param name="minScore">The least fused score.</param>
    /// <param name="request">What the caller asks for; null for the defaults.</param>
    public List<Passage> Take(int top, double minScore, RetrievalOptions? request) => request is { Diversity: > 0 }
        ? TakeDiverse(top, minScore, request.Diversity, request.MaxPerSource)
        : TakeBest(top, minScore, request?.MaxPerSource);

    private List<Passage> TakeBest(int top, double minScore, int? maxPerSource)
    {
        var passages = new List<Passage>(Math.Min(top, _ranked.Length));
        SourceCap cap = SourceCap.Of(maxPerSource);
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        int looked = 0;
        foreach (FusedDoc row in _ranked)
        {
            // Behind the last one that is taken, equal texts are looked for a little longer.
            looked += passages.Count == top ? 1 : 0;
            if (looked > top || row.Score < minScore || row.Score <= 0)
            {
                break;
            }

            Passage passage = PassageOf(row);
            if (places.TryGetValue(passage.Text, out int at))
            {
                var also = new PassageSource(passage.Source, passage.DocumentId, passage.Start, passage.Length);
                passages[at] = passages[at] with { AlsoIn = [.. passages[at].AlsoIn, also] };
            }
            else if (passages.Count < top && cap.TryTake(passage))
            {
                places[passage.Text] = passages.Count;
                passages.Add(passage);
            }
        }

        return passages;
    }

    // Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) over the best rows.
    private List<Passage> TakeDiverse(int top, double minScore, double diversity, int? maxPerSource)
    {
        int? poolCap = maxPerSource < int.MaxValue / PoolPerSource ? maxPerSource * PoolPerSource : maxPerSource;
        List<Passage> pool = TakeBest(Math.Max(MinPool, top * 2), minScore, poolCap);
        var passages = new List<Passage>(Math.Min(top, pool.Count));
        SourceCap cap = SourceCap.Of(maxPerSource);
        var similarity = new TermSetSimilarity([.. pool.Select(passage => passage.Text)]);
        var isTaken = new bool[pool.Count];
        for (int left = pool.Count; passages.Count < top && left > 0; left--)
        {
            int best = -1;
            double bestValue = double.NegativeInfinity;
            for (int i = 0; i < pool.Count; i++)
            {
                double value = ((1 - diversity) * pool[i].Score) - (diversity * similarity[i]);
                if (!isTaken[i] && value > bestValue)
                {
                    (best, bestValue) = (i, value);
                }
            }

            isTaken[best] = true;
            if (cap.TryTake(pool[best]))
            {
                passages.Add(pool[best]);
                similarity.Choose(best);
            }
        }

        return passages;
    }

    private Passage PassageOf(FusedDoc row)
    {
        SegmentReader reader = index.Segments[row.Segment].Reader;
        (string text, Chunk chunk) = reader.Passage(row.Local);
        DocumentEntry document = reader.Document(reader.DocumentOf(row.Local));
        double? lexical = float.IsNaN(row.Lexical) ? null : row.Lexical;
        double? lsa = float.IsNaN(row.Lsa) ? null : row.Lsa;
        double? vector = float.IsNaN(row.Vector) ? null : row.Vector;
        return new Passage(text, document.Source, chunk.Start, chunk.Length, row.Score)
        {
            DocumentId = document.Id,
            Collection = document.Collection,
            Title = document.Title,
            Page = chunk.Page > 0 ? chunk.Page : null,
            HeadingPath = chunk.Heading.Length == 0 ? [] : chunk.Heading.Split(TextBlock.Separator),
            Metadata = document.Metadata,
            Scores = new PassageScores(lexical, lsa, vector),
        };
    }

    private readonly struct SourceCap(int cap, Dictionary<string, int>? taken)
    {
        public static SourceCap Of(int? cap) =>
            new(cap ?? 0, cap is null ? null : new Dictionary<string, int>(StringComparer.Ordinal));

        public bool TryTake(Passage passage)
        {
            if (taken is null)
            {
                return true;
            }

            int before = taken.GetValueOrDefault(passage.Source);
            taken[passage.Source] = before + 1;
            return before < cap;
        }
    }
}
