using System.Runtime.CompilerServices;

namespace Coach.Rag.Segments;

/// <summary>
/// BM25 as Lucene computes it since version 8: idf = ln(1 + (N − df + 0.5)/(df + 0.5)); weight = tf / (tf + k1·(1 − b +
/// b·len/avglen)). Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009; Kamphuis et al., "Which BM25
/// Do You Mean?", ECIR 2020.
/// </summary>
internal readonly struct Bm25(float k1, float b, double averageLength)
{
    public float K1 => k1;

    public float B => b;

    public float AverageLength { get; } = (float)averageLength;

    /// <summary>The part of the denominator that every passage shares.</summary>
    public float Base { get; } = k1 * (1 - b);

    /// <summary>The part of the denominator for each token.</summary>
    public float PerToken { get; } = averageLength > 0 ? (float)(k1 * b / averageLength) : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Weight(int frequency, int length) => frequency / (frequency + Base + (PerToken * length));

    public static float Idf(long passages, long withTerm) =>
        (float)Math.Log(1 + ((passages - withTerm + 0.5) / (withTerm + 0.5)));
}
