namespace Coach.Rag;

/// <summary>
/// Embeds the stored passages that have no vectors of the registered embedder; each segment is committed by itself, and one that could not be finished with what it has.
/// </summary>
internal sealed class PassageEmbedder(IndexManager index, GuardedEmbeddingGenerator generator)
{
    /// <summary>Embeds what is missing.</summary>
    /// <param name="writer">The writer's role within this process.</param>
    /// <param name="replaceOthers">Whether vectors of another embedder are given up.</param>
    /// <param name="cancellationToken">Ends the work; answered batches stay.</param>
    /// <returns>How many passages were embedded.</returns>
    public async Task<int> RunAsync(SemaphoreSlim writer, bool replaceOthers, CancellationToken cancellationToken)
    {
        if (replaceOthers)
        {
            await EmbeddingMigration.DropAsync(index, generator, writer, cancellationToken).ConfigureAwait(false);
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
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        if (searcher.OtherEmbedder is { } other && !replaceOthers)
        {
            throw RagException.EmbedderMismatch(index.Store.Name, other, generator.Identity!);
        }

        int at = 0;
        while (at < searcher.Segments.Count && IsComplete(searcher, at))
        {
            at++;
        }

        if (at == searcher.Segments.Count)
        {
            return null;
        }

        (SegmentReader reader, FixedBitSet deleted) = searcher.Segments[at];
        int? dimension = searcher.Vectors.FirstOrDefault(segment => segment is not null)?.Dimension;
        VectorSegment? begun = searcher.Vectors[at];
        int[] rows = [.. Enumerable.Range(0, reader.Rows).Where(row => !deleted[row] && (begun is null || begun.Missing[row]) && reader.Passage(row).Chunk.Length > 0)];
        var vectors = new float[]?[reader.Rows];
        try
        {
            await EmbedAsync(reader, rows, vectors, dimension, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (vectors.Any(vector => vector is not null))
        {
            // What was answered is paid for.
            await TryKeepAsync(failure).ConfigureAwait(false);
            throw;
        }

        await CommitAsync(writer, reader.Id, Build(rows, vectors, begun, dimension), cancellationToken).ConfigureAwait(false);
        return vectors.Count(vector => vector is not null);

        async Task TryKeepAsync(Exception failure)
        {
            try
            {
                await CommitAsync(writer, reader.Id, Build(rows, vectors, begun, dimension), CancellationToken.None).ConfigureAwait(false);
            }
            catch (RagException second)
            {
                failure.Data["Coach.NotKept"] = second.Error;      // the first failure is the one to report
            }
        }
    }

    private static bool IsComplete(IndexSearcher searcher, int at)
    {
        if (searcher.Vectors[at] is not { } vectors)
        {
            return false;
        }

        return vectors.Missing.IsEmpty || !Enumerable.Range(0, vectors.Rows).Any(row => vectors.Missing[row] && !searcher.Segments[at].Deleted[row]);
    }

    private static VectorBuilder Build(int[] rows, float[]?[] vectors, VectorSegment? begun, int? dimension)
    {
        var builder = new VectorBuilder(dimension ?? vectors.FirstOrDefault(vector => vector is not null)?.Length ?? 1);
        HashSet<int> wanted = [.. rows];
        var zero = new float[builder.Dimension];
        for (int row = 0; row < vectors.Length; row++)
        {
            if (vectors[row] is { } vector)
            {
                builder.Add(vector);
            }
            else if (wanted.Contains(row))
            {
                builder.AddMissing();
            }
            else if (begun is not null && !begun.Missing[row])
            {
                builder.Add(begun, row);
            }
            else
            {
                builder.Add(zero);
            }
        }

        return builder;
    }

    private async Task EmbedAsync(SegmentReader reader, int[] rows, float[]?[] vectors, int? dimension, CancellationToken cancellationToken)
    {
        int[][] batches = [.. rows.Chunk(index.Options.EmbeddingBatchSize)];
        if (dimension is null && batches.Length > 0)
        {
            // The first answer fixes the dimension that all others must have.
            await BatchAsync(batches[0]).ConfigureAwait(false);
            dimension = vectors[batches[0][0]]!.Length;
            batches = batches[1..];
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = index.Options.EmbeddingParallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(batches, options, async (batch, _) => await BatchAsync(batch).ConfigureAwait(false)).ConfigureAwait(false);

        async Task BatchAsync(int[] batch)
        {
            string[] texts = [.. batch.Select(row => TextOf(reader, row))];
            float[][] answer = await generator.EmbedPassagesAsync(texts, dimension, cancellationToken).ConfigureAwait(false);
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

    private async Task CommitAsync(SemaphoreSlim writer, long textSegment, VectorBuilder builder, CancellationToken cancellationToken)
    {
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
            using IndexCommitReader snapshot = index.Store.Acquire();
            if (!snapshot.Segments.Any(segment => segment.Id == textSegment))
            {
                return;
            }

            SegmentPayload payload = new SegmentPayload().Add(SectionKind.DenseExtra, VectorOwner.Write(textSegment, generator.Identity!));
            builder.AddTo(payload);
            long[] old = [.. snapshot.Segments.Where(segment => VectorOwner.TryRead(segment, out long text, out string identity)
                    && (identity != generator.Identity || text == textSegment))
                .Select(segment => segment.Id)];
            index.Store.Commit(new IndexChange { Add = [payload], RemoveSegments = old }, lease, cancellationToken);
        }
        finally
        {
            writer.Release();
        }
    }
}

/// <summary>Gives up the vectors of the registered embedder whose dimension is not the one that it answers with now: no question can use them.</summary>
internal static class EmbeddingMigration
{
    private const string Probe = "dimension";

    /// <summary>Asks for one vector, and drops those of another dimension.</summary>
    /// <exception cref="RagException">The embedder failed, or the index cannot be written.</exception>
    public static async Task DropAsync(IndexManager index, GuardedEmbeddingGenerator generator, SemaphoreSlim writer, CancellationToken cancellationToken)
    {
        if (index.Read(static searcher => searcher.Vectors.All(segment => segment is null)))
        {
            return;
        }

        int dimension = (await generator.EmbedPassagesAsync([Probe], null, cancellationToken).ConfigureAwait(false))[0].Length;
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
            using IndexCommitReader snapshot = index.Store.Acquire();
            long[] others = [.. snapshot.Segments.Where(segment => VectorOwner.TryRead(segment, out _, out string identity) && identity == generator.Identity
                && VectorSegment.Open(segment, index.Store.Name) is { } vectors && vectors.Dimension != dimension).Select(segment => segment.Id)];
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
