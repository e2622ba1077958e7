namespace Coach.Rag;

/// <summary>Chooses among ranked rows: least score, passages of a source, difference from each other.</summary>
internal readonly ref struct MmrSelector(IndexSearcher searcher, ReadOnlySpan<FusedDoc> ranked, RetrievalMethods methods)
{
    private const int DiversityPool = 50;
    private const int ChoicePerSource = 4;
    private readonly ReadOnlySpan<FusedDoc> _ranked = ranked;

    public List<Passage> Take(int top, RetrievalOptions? request, CoachRagOptions options)
    {
        double minScore = request?.MinScore ?? options.MinScore;
        double diversity = request?.Diversity ?? 0;
        var passages = new List<Passage>(Math.Min(top, _ranked.Length));
        if (diversity > 0)
        {
            TakeDiverse(top, minScore, diversity, request?.MaxPerSource, passages);
            return passages;
        }

        Dictionary<string, int>? perSource = request?.MaxPerSource is null ? null : new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (FusedDoc row in _ranked)
        {
            if (passages.Count == top || row.Score < minScore || row.Score <= 0)
            {
                break;
            }

            Passage passage = PassageOf(row);
            if (IsWithinCap(passage, request?.MaxPerSource, perSource))
            {
                passages.Add(passage);
            }
        }

        return passages;
    }

    // Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) over the best rows.
    private void TakeDiverse(int top, double minScore, double diversity, int? maxPerSource, List<Passage> passages)
    {
        List<Passage> pool = [];
        int size = Math.Max(DiversityPool, top * 2);
        Dictionary<string, int>? perSource = maxPerSource is null ? null : new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (FusedDoc row in _ranked)
        {
            if (pool.Count == size || row.Score < minScore || row.Score <= 0)
            {
                break;
            }

            Passage passage = PassageOf(row);
            if (IsWithinCap(passage, maxPerSource < int.MaxValue / ChoicePerSource ? maxPerSource * ChoicePerSource : maxPerSource, perSource))
            {
                pool.Add(passage);
            }
        }

        perSource?.Clear();
        var likeness = new TermSetSimilarity([.. pool.Select(passage => passage.Text)]);
        var isTaken = new bool[pool.Count];
        for (int left = pool.Count; passages.Count < top && left > 0; left--)
        {
            int best = -1;
            double bestValue = double.NegativeInfinity;
            for (int i = 0; i < pool.Count; i++)
            {
                double value = isTaken[i] ? double.NegativeInfinity : ((1 - diversity) * pool[i].Score) - (diversity * likeness[i]);
                if (value > bestValue)
                {
                    (best, bestValue) = (i, value);
                }
            }

            isTaken[best] = true;
            if (IsWithinCap(pool[best], maxPerSource, perSource))
            {
                passages.Add(pool[best]);
                likeness.Choose(best);
            }
        }
    }

    private static bool IsWithinCap(Passage passage, int? cap, Dictionary<string, int>? perSource)
    {
        if (perSource is null)
        {
            return true;
        }

        int before = perSource.GetValueOrDefault(passage.Source);
        perSource[passage.Source] = before + 1;
        return before < cap;
    }

    private Passage PassageOf(FusedDoc row)
    {
        SegmentReader reader = searcher.Segments[row.Segment].Reader;
        (string text, Chunk chunk) = reader.Passage(row.Local);
        DocumentEntry document = reader.Document(reader.DocumentOf(row.Local));
        double? dense = float.IsNaN(row.Dense) ? null : row.Dense;
        return new Passage(text, document.Source, chunk.Start, chunk.Length, row.Score)
        {
            DocumentId = document.Id,
            Title = document.Title,
            HeadingPath = chunk.Heading.Length == 0 ? [] : chunk.Heading.Split(TextBlock.Separator),
            Metadata = document.Metadata,
            Scores = new PassageScores(float.IsNaN(row.Lexical) ? null : row.Lexical,
                methods.HasFlag(RetrievalMethods.Lsa) ? dense : null, methods.HasFlag(RetrievalMethods.Vector) ? dense : null),
        };
    }
}
