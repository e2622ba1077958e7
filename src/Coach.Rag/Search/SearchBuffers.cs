using System.Collections.Concurrent;
using Coach.Rag.Lexical;
using Coach.Rag.Vectors;

namespace Coach.Rag.Search;

/// <summary>The memory of one search, taken from a pool and given back.</summary>
internal sealed class SearchBuffers
{
    private const int MaxPooled = 64;
    private static readonly ConcurrentQueue<SearchBuffers> Pool = new();

    public readonly LexicalBuffers Lexical = new();
    public readonly WeightedQuery Query = new();
    public float[] Vector = [];
    public float[] Unit = [];
    public float[] Feedback = [];
    public sbyte[] Codes = [];
    public VectorHit[] Hits = [];
    public ScoreDoc[] LexicalRows = [];
    public ScoreDoc[] LsaRows = [];
    public ScoreDoc[] VectorRows = [];
    public FusedDoc[] Fused = [];

    public static SearchBuffers Rent(int candidates)
    {
        SearchBuffers buffers = Pool.TryDequeue(out SearchBuffers? pooled) ? pooled : new SearchBuffers();
        if (buffers.LexicalRows.Length < candidates)
        {
            buffers.LexicalRows = new ScoreDoc[candidates];
            buffers.LsaRows = new ScoreDoc[candidates];
            buffers.VectorRows = new ScoreDoc[candidates];
            buffers.Hits = new VectorHit[candidates];
            buffers.Fused = new FusedDoc[candidates * 3];
        }

        return buffers;
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
