using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Learns the latent space of an index and commits it with the places of all passages.</summary>
internal sealed class LsaTrainingService(IndexManager index, TimeProvider time, ILogger logger)
{
    private const double Growth = 1.25;
    private const double Shrinkage = 0.5;

    /// <summary>Whether the space is missing, or the collection has outgrown it.</summary>
    public bool IsNeeded() => index.Options.Learn && index.Read(static searcher => searcher.LivePassages >= LsaFormat.MinPassages
        && (searcher.Model is not { } model || searcher.LivePassages > model.TrainedOn * Growth || searcher.LivePassages < model.TrainedOn * Shrinkage
            || searcher.LsaRows < searcher.Rows));

    /// <summary>Learns from the newest commit. Readers and writers go on meanwhile; only the commit at the end takes the writer's role.</summary>
    /// <returns>Whether there was enough to learn from.</returns>
    public bool Run(SemaphoreSlim writer, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        int threads = index.Options.LearnThreads;
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        if (LsaTrainer.Train(searcher, threads, cancellationToken) is not { } trained)
        {
            return false;
        }

        // A store of its own lets the unfinished model be used through the same code that reads a finished one.
        using var draft = new MemoryIndexStore();
        ByteBuffer model = Write(trained);
        using IndexCommitReader modelSnapshot = Add(draft, new SegmentPayload().Add(SectionKind.LatentModel, model.Memory));
        LsaModel reader = LsaModel.Of(modelSnapshot.Segments[0]);
        Dictionary<long, ByteBuffer> codes = searcher.Segments.ToDictionary(
            segment => segment.Reader.Id, segment => LsaVectors.Write(reader, segment.Reader, threads, cancellationToken));

        writer.Wait(cancellationToken);
        try
        {
            Commit(model, reader, codes, cancellationToken);
        }
        finally
        {
            writer.Release();
        }

        logger.Learnt(trained.Passages, trained.Terms.Count, trained.Dimensions, time.GetElapsedTime(start).TotalSeconds);
        return true;
    }

    private static ByteBuffer Write((IReadOnlyList<byte[]> Terms, DenseMatrix Vectors, int Dimensions, int Passages) trained)
    {
        var model = new ByteBuffer(1 << 20);
        LsaModel.Write(trained.Terms, trained.Vectors, trained.Dimensions, trained.Passages, model);
        return model;
    }

    private static IndexCommitReader Add(MemoryIndexStore store, params SegmentPayload[] payloads)
    {
        store.Commit(new IndexChange { Add = payloads }, CancellationToken.None);
        return store.Acquire();
    }

    // Segments that came while learning was under way are placed now, in the same commit.
    private void Commit(ByteBuffer model, LsaModel reader, Dictionary<long, ByteBuffer> codes, CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
        using IndexCommitReader snapshot = index.Store.Acquire();
        long id = snapshot.NextSegmentId;
        var add = new List<SegmentPayload> { new SegmentPayload().Add(SectionKind.LatentModel, model.Memory) };
        foreach (IndexSegment segment in snapshot.Segments.Where(SegmentReader.HoldsPassages))
        {
            ByteBuffer bytes = codes.TryGetValue(segment.Id, out ByteBuffer? ready) ? ready
                : LsaVectors.Write(reader, SegmentReader.Of(segment), index.Options.LearnThreads, cancellationToken);
            add.Add(new SegmentPayload().Add(SectionKind.LatentExtra, LsaVectors.Owner(segment.Id, id)).Add(SectionKind.LatentCodes, bytes.Memory));
        }

        long[] old = [.. snapshot.Segments.Where(segment => !SegmentReader.HoldsPassages(segment)
            && (segment.TryGetSection(SectionKind.LatentModel, out _) || segment.TryGetSection(SectionKind.LatentExtra, out _))).Select(segment => segment.Id)];
        index.Store.Commit(new IndexChange { Add = add, RemoveSegments = old }, lease, cancellationToken);
    }
}
