namespace Coach.Rag;

/// <summary>Finds rows by provider embeddings.</summary>
internal static class DenseArm
{
    public static int Nearest(IndexView view, float[] vector, ReadOnlyMemory<byte>?[]? allowed, int limit, SearchScratch scratch)
    {
        var sources = new List<DenseSource>(view.Segments.Count);
        var numbers = new List<int>(view.Segments.Count);
        for (int s = 0; s < view.Segments.Count; s++)
        {
            if (view.Dense[s] is { } segment && segment.Dimension == vector.Length)
            {
                sources.Add(new DenseSource(segment, view.WithoutVectors[s], allowed?[s]));
                numbers.Add(s);
            }
        }

        int count = DenseSearch.Search(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sources), vector, scratch.Hits.AsSpan(0, limit), 2);
        for (int i = 0; i < count; i++)
        {
            DenseHit hit = scratch.Hits[i];
            scratch.DenseRows[i] = new ScoredRow(ScoredRow.Key(numbers[hit.Source], hit.Row), hit.Score);
        }

        return count;
    }
}
