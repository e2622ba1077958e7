using System.Numerics;
using Coach.Rag.Segments;
using Coach.Rag.Vectors;
using VectorsByEmbedder = System.Collections.Generic.SortedDictionary<string, Coach.Rag.Vectors.VectorSegment>;

namespace Coach.Rag.Indexing;

/// <summary>
/// Tiered merge policy: which segments are to be joined next. Small segments of like size are, once there are too many:
/// so a row is rewritten a few times at most, however large the index is that one document is added to.
/// </summary>
internal static class MergePolicy
{
    private const int SmallRows = 16_384;
    private const int MaxOfASize = 6;
    private const int MaxRows = 65_536;

    // Sizes are alike within a factor of eight.
    private const int BitsOfASize = 3;

    /// <summary>Chooses.</summary>
    /// <param name="index">The segments.</param>
    /// <param name="vectors">
    /// The vectors of each text segment, by embedder: they move with their rows, also those of other embedders, so only
    /// segments with those of the same embedders are joined.
    /// </param>
    /// <returns>
    /// Positions among the segments: some to join, or one to rid of its deleted rows; none when all is well.
    /// </returns>
    public static IReadOnlyList<int> Choose(IndexReader index, IReadOnlyDictionary<long, VectorsByEmbedder> vectors)
    {
        IEnumerable<IGrouping<(string Embedders, int Size), int>> alike = Enumerable.Range(0, index.Segments.Count)
            .Where(s => index.Segments[s].Reader.Rows < SmallRows)
            .GroupBy(s => (EmbeddersOf(index.Segments[s].Reader.Id), SizeOf(index.Segments[s].Reader.Rows)))
            .Where(group => group.Count() > MaxOfASize)
            .OrderBy(group => group.Key.Item2);
        foreach (IGrouping<(string Embedders, int Size), int> group in alike)
        {
            int rows = 0;
            int[] fitting = [.. group.TakeWhile(s => (rows += index.Segments[s].Reader.Rows) <= MaxRows)];
            if (fitting.Length > 1)
            {
                return fitting;
            }
        }

        int sparse = Enumerable.Range(0, index.Segments.Count).FirstOrDefault(IsSparse, -1);
        return sparse < 0 ? [] : [sparse];

        bool IsSparse(int s) => index.Segments[s].Deleted.Count * 2 > index.Segments[s].Reader.Rows;

        string EmbeddersOf(long segment) => vectors.TryGetValue(segment, out VectorsByEmbedder? its)
            ? string.Join('\n', its.Select(pair => $"{pair.Key} {pair.Value.Dimension}"))
            : "";
    }

    private static int SizeOf(int rows) => BitOperations.Log2((uint)rows | 1) / BitsOfASize;
}
