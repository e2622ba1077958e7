namespace Coach.Rag;

/// <summary>Gives up the vectors of the registered embedder whose dimension is not the one that it answers with now: no question can use them.</summary>
internal static class DimensionChange
{
    private const string Probe = "dimension";

    /// <summary>Asks for one vector, and drops those of another dimension.</summary>
    /// <exception cref="RagException">The embedder failed, or the index cannot be written.</exception>
    public static async Task DropAsync(RagIndex index, EmbeddingArm arm, SemaphoreSlim writer, CancellationToken cancellationToken)
    {
        if (index.Read(static view => view.Dense.All(segment => segment is null)))
        {
            return;
        }

        int dimension = (await arm.EmbedPassagesAsync([Probe], null, cancellationToken).ConfigureAwait(false))[0].Length;
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
            using IndexSnapshot snapshot = index.Store.Acquire();
            long[] others = [.. snapshot.Segments.Where(segment => DenseOwner.TryRead(segment, out _, out string identity) && identity == arm.Identity
                && DenseSegment.Open(segment, index.Store.Name) is { } vectors && vectors.Dimension != dimension).Select(segment => segment.Id)];
            if (others.Length > 0)
            {
                index.Store.Commit(new IndexChange { RemoveSegments = others }, lease, cancellationToken);
            }
        }
        finally
        {
            writer.Release();
        }
    }
}
