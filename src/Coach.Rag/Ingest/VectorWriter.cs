namespace Coach.Rag;

/// <summary>Embeds the stored passages that have no vectors of the registered embedder; each segment is committed by itself.</summary>
internal sealed class VectorWriter(RagIndex index, EmbeddingArm arm)
{
    /// <summary>Embeds what is missing.</summary>
    /// <param name="writer">The writer's role within this process.</param>
    /// <param name="replaceOthers">Whether vectors of another embedder are given up.</param>
    /// <param name="cancellationToken">Ends the work; committed segments stay.</param>
    /// <returns>How many passages were embedded.</returns>
    public async Task<int> RunAsync(SemaphoreSlim writer, bool replaceOthers, CancellationToken cancellationToken)
    {
        if (replaceOthers)
        {
            await DimensionChange.DropAsync(index, arm, writer, cancellationToken).ConfigureAwait(false);
        }

        int embedded = 0;
        while (await NextAsync(writer, replaceOthers, cancellationToken).ConfigureAwait(false) is { } rows)
        {
            embedded += rows;
        }

        return embedded;
    }

    private async Task<int?> NextAsync(SemaphoreSlim writer, bool replaceOthers, CancellationToken cancellationToken)
    {
        using IndexSnapshot snapshot = index.Store.Acquire();
        IndexView view = index.ViewOf(snapshot);
        if (view.OtherEmbedder is { } other && !replaceOthers)
        {
            throw RagException.EmbedderMismatch(index.Store.Name, other, arm.Identity!);
        }

        int at = 0;
        while (at < view.Segments.Count && view.Dense[at] is not null)
        {
            at++;
        }

        if (at == view.Segments.Count)
        {
            return null;
        }

        (SegmentReader reader, RowBitmap deleted) = view.Segments[at];
        int? dimension = view.Dense.FirstOrDefault(segment => segment is not null)?.Dimension;
        float[]?[] vectors = await EmbedAsync(reader, deleted, dimension, cancellationToken).ConfigureAwait(false);
        dimension ??= vectors.FirstOrDefault(vector => vector is not null)?.Length ?? 1;
        var builder = new DenseBuilder(dimension.Value);
        var zero = new float[dimension.Value];
        foreach (float[]? vector in vectors)
        {
            builder.Add(vector ?? zero);
        }

        await CommitAsync(writer, reader.Id, builder, cancellationToken).ConfigureAwait(false);
        return vectors.Count(vector => vector is not null);
    }

    private async Task<float[]?[]> EmbedAsync(SegmentReader reader, RowBitmap deleted, int? dimension, CancellationToken cancellationToken)
    {
        var vectors = new float[reader.Rows][];
        int[] rows = [.. Enumerable.Range(0, reader.Rows).Where(row => !deleted[row] && reader.Passage(row).Chunk.Length > 0)];
        int[][] batches = [.. rows.Chunk(index.Options.EmbeddingBatchSize)];
        if (dimension is null && batches.Length > 0)
        {
            // The first answer fixes the dimension that all others must have.
            await BatchAsync(batches[0]).ConfigureAwait(false);
            dimension = vectors[batches[0][0]].Length;
            batches = batches[1..];
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = index.Options.EmbeddingParallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(batches, options, async (batch, _) => await BatchAsync(batch).ConfigureAwait(false)).ConfigureAwait(false);
        return vectors;

        async Task BatchAsync(int[] batch)
        {
            string[] texts = [.. batch.Select(row => TextOf(reader, row))];
            float[][] answer = await arm.EmbedPassagesAsync(texts, dimension, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < batch.Length; i++)
            {
                vectors[batch[i]] = answer[i];
            }
        }
    }

    // The headings are part of what a passage says.
    private static string TextOf(SegmentReader reader, int row)
    {
        (string text, Chunk chunk) = reader.Passage(row);
        string title = reader.Document(reader.DocumentOf(row)).Title;
        string heading = chunk.Heading.Replace(TextBlock.Separator, ' ');
        return string.Join('\n', new[] { heading.StartsWith(title, StringComparison.Ordinal) ? "" : title, heading, text }.Where(part => part.Length > 0));
    }

    private async Task CommitAsync(SemaphoreSlim writer, long textSegment, DenseBuilder builder, CancellationToken cancellationToken)
    {
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
            using IndexSnapshot snapshot = index.Store.Acquire();
            if (!snapshot.Segments.Any(segment => segment.Id == textSegment))
            {
                return;
            }

            SegmentPayload payload = new SegmentPayload().Add(SectionKind.DenseExtra, DenseOwner.Write(textSegment, arm.Identity!));
            builder.AddTo(payload);
            long[] old = [.. snapshot.Segments.Where(segment => DenseOwner.TryRead(segment, out _, out string identity) && identity != arm.Identity)
                .Select(segment => segment.Id)];
            index.Store.Commit(new IndexChange { Add = [payload], RemoveSegments = old }, lease, cancellationToken);
        }
        finally
        {
            writer.Release();
        }
    }
}
