using System.Collections.Concurrent;

namespace Coach.Rag;

/// <summary>The memory of one search, taken from a pool and given back.</summary>
internal sealed class SearchScratch
{
    private const int MaxPooled = 64;
    private static readonly ConcurrentQueue<SearchScratch> Pool = new();

    public readonly LexicalScratch Lexical = new();
    public readonly QueryTerms Query = new();
    public float[] Vector = [];
    public float[] Unit = [];
    public float[] Feedback = [];
    public sbyte[] Codes = [];
    public DenseHit[] Hits = [];
    public ScoredRow[] LexicalRows = [];
    public ScoredRow[] DenseRows = [];
    public FusedRow[] Fused = [];

    public static SearchScratch Rent(int candidates)
    {
        SearchScratch scratch = Pool.TryDequeue(out SearchScratch? pooled) ? pooled : new SearchScratch();
        if (scratch.LexicalRows.Length < candidates)
        {
            scratch.LexicalRows = new ScoredRow[candidates];
            scratch.DenseRows = new ScoredRow[candidates];
            scratch.Hits = new DenseHit[candidates];
            scratch.Fused = new FusedRow[candidates * 2];
        }

        return scratch;
    }

    public void Return()
    {
        if (Pool.Count < MaxPooled)
        {
            Pool.Enqueue(this);
        }
    }

    public void EnsureDimensions(int length)
    {
        if (Vector.Length < length)
        {
            Vector = new float[length];
            Unit = new float[length];
            Feedback = new float[length];
            Codes = new sbyte[length];
        }
    }
}
