using Coach.Rag.Documents;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Indexing;

/// <summary>
/// Embeds the stored passages that have no vectors of the registered embedder. Each segment is committed by itself, a
/// large one several times, and one that could not be finished with what it has.
/// </summary>
internal sealed class PassageEmbedder(IndexManager index, GuardedEmbeddingGenerator generator)
{
    // Passages between two commits: a crash loses no more of them, or as many as were kept before; so a segment's
    // vectors are written over only a few times.
    private const int MinPassages = 1024;

    /// <summary>Embeds what is missing.</summary>
    /// <param name="writer">The writer's role within this process.</param>
    /// <param name="replaceOthers">Whether vectors of another embedder are given up.</param>
    /// <param name="cancellationToken">Ends the work; answered batches stay.</param>
    /// <returns>How many passages were embedded.</returns>
    /// <exception cref="RagException">
    /// The generator failed, the index holds vectors of another one, or it cannot be written.
    /// </exception>
    public async Task<int> RunAsync(SemaphoreSlim writer, bool replaceOthers, CancellationToken cancellationToken)
    {
        if (replaceOthers)
        {
            await EmbeddingMigration.DropAsync(index, generator, writer, cancellationToken).ConfigureAwait(false);
        }

        int embedded = 0;
        try
        {
            while (await NextAsync(writer, replaceOthers, cancellationToken).ConfigureAwait(false) is { } rows)
            {
                embedded += rows;
            }
        }
        finally
        {
            index.SegmentInWork = 0;
        }

        return embedded;
    }

    private async Task<int?> NextAsync(SemaphoreSlim writer, bool replaceOthers, CancellationToken cancellationToken)
    {
        using IndexCommitReader commit = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(commit);
        bool isForeign = searcher.OtherEmbedder is { } found
            && !EmbedderIdentity.IsSameGenerator(found, generator.Identity!);
        if (searcher.OtherEmbedder is { } other && isForeign && !replaceOthers)
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
        index.SegmentInWork = reader.Id;
        int? dimension = searcher.Dimension == 0 ? null : searcher.Dimension;
        VectorSegment? begun = searcher.Vectors[at];
        int[] rows = [.. Enumerable.Range(0, reader.Rows).Where(IsMissing)];
        var vectors = new float[]?[reader.Rows];
        int most = Math.Max(MinPassages, begun is null ? 0 : begun.Rows - begun.Missing.Count);
        try
        {
            await EmbedAsync(reader, rows[..Math.Min(rows.Length, most)], vectors, dimension, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception failure) when (vectors.Any(vector => vector is not null))
        {
            // What was answered is paid for.
            await TryKeepAsync(failure).ConfigureAwait(false);
            throw;
        }

        VectorBuilder done = Build(rows, vectors, begun, dimension);
        await CommitAsync(writer, reader.Id, done, cancellationToken).ConfigureAwait(false);
        return vectors.Count(vector => vector is not null);

        bool IsMissing(int row) =>
            !deleted[row] && (begun is null || begun.Missing[row]) && reader.Passage(row).Chunk.Length > 0;

        async Task TryKeepAsync(Exception failure)
        {
            try
            {
                VectorBuilder answered = Build(rows, vectors, begun, dimension);
                await CommitAsync(writer, reader.Id, answered, CancellationToken.None).ConfigureAwait(false);
            }
            catch (RagException second)
            {
                failure.Data["Coach.NotKept"] = second.Error;      // the first failure is the one to report
            }
        }
    }

    private static bool IsComplete(IndexSearcher searcher, int segment)
    {
        if (searcher.Vectors[segment] is not { } vectors)
        {
            return false;
        }

        FixedBitSet deleted = searcher.Segments[segment].Deleted;
        return vectors.Missing.IsEmpty
            || !Enumerable.Range(0, vectors.Rows).Any(row => vectors.Missing[row] && !deleted[row]);
    }

    private static VectorBuilder Build(int[] rows, float[]?[] vectors, VectorSegment? begun, int? dimension)
    {
        int length = dimension ?? vectors.FirstOrDefault(vector => vector is not null)?.Length ?? 1;
        var builder = new VectorBuilder(length);
        HashSet<int> wanted = [.. rows];
        var zero = new float[length];
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

    private async Task EmbedAsync(
        SegmentReader reader, int[] rows, float[]?[] vectors, int? dimension, CancellationToken cancellationToken)
    {
        int[][] batches = [.. rows.Chunk(index.Options.EmbeddingBatchSize)];
        if (dimension is null && batches.Length > 0)
        {
            // The first answer fixes the dimension that all others must have.
            await BatchAsync(batches[0], cancellationToken).ConfigureAwait(false);
            dimension = vectors[batches[0][0]]!.Length;
            batches = batches[1..];
        }

        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = index.Options.EmbeddingParallelism,
            CancellationToken = cancellationToken,
        };
        await Parallel.ForEachAsync(batches, options, (batch, _) => BatchAsync(batch, cancellationToken))
            .ConfigureAwait(false);

        async ValueTask BatchAsync(int[] batch, CancellationToken token)
        {
            string[] texts = [.. batch.Select(row => TextOf(reader, row))];
            float[][] answer = await generator.EmbedPassagesAsync(texts, dimension, token).ConfigureAwait(false);
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
        string[] parts = [heading.StartsWith(title, StringComparison.Ordinal) ? "" : title, heading, text];
        return string.Join('\n', parts.Where(part => part.Length > 0));
    }

    private async Task CommitAsync(
        SemaphoreSlim writer, long textSegment, VectorBuilder builder, CancellationToken cancellationToken)
    {
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
            using IndexCommitReader commit = index.Store.Acquire();
            if (!commit.Segments.Any(segment => segment.Id == textSegment))
            {
                return;
            }

            SegmentPayload payload = new SegmentPayload()
                .Add(SectionKind.DenseExtra, VectorOwner.Write(textSegment, generator.Identity!));
            builder.AddTo(payload);
            long[] replaced = [.. commit.Segments.Where(IsReplaced).Select(segment => segment.Id)];
            var change = new IndexChange { Add = [payload], RemoveSegments = replaced };
            index.Store.Commit(change, lease, cancellationToken);
        }
        finally
        {
            writer.Release();
        }

        bool IsReplaced(IndexSegment segment) => VectorOwner.TryRead(segment, out long text, out string identity)
            && (identity != generator.Identity || text == textSegment);
    }
}

/// <summary>
/// Drops the vectors of the registered embedder whose dimension is not the one that it answers with now: no question
/// can use them.
/// </summary>
internal static class EmbeddingMigration
{
    private const string Probe = "dimension";

    /// <summary>Asks for one vector, and drops those of another dimension.</summary>
    /// <exception cref="RagException">The embedder failed, or the index cannot be written.</exception>
    public static async Task DropAsync(
        IndexManager index, GuardedEmbeddingGenerator generator, SemaphoreSlim writer,
        CancellationToken cancellationToken)
    {
        if (index.Read(static searcher => searcher.Dimension == 0))
        {
            return;
        }

        float[][] probed = await generator.EmbedPassagesAsync([Probe], null, cancellationToken).ConfigureAwait(false);
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
            using IndexCommitReader commit = index.Store.Acquire();
            long[] others = [.. commit.Segments.Where(HasAnotherDimension).Select(segment => segment.Id)];
            if (others.Length > 0)
            {
                index.Store.Commit(new IndexChange { RemoveSegments = others }, lease, cancellationToken);
            }
        }
        finally
        {
            writer.Release();
        }

        bool HasAnotherDimension(IndexSegment segment) =>
            VectorOwner.TryRead(segment, out _, out string identity)
            && identity == generator.Identity
            && VectorSegment.Open(segment, index.Store.Name) is { } vectors
            && vectors.Dimension != probed[0].Length;
    }
}
