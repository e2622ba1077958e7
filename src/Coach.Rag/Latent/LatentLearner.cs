using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Learns the latent space of an index and commits it with the places of all passages.</summary>
internal sealed class LatentLearner(RagIndex index, TimeProvider time, ILogger logger)
{
    private const double Growth = 1.25;
    private const double Shrinkage = 0.5;

    /// <summary>Whether the space is missing, or the collection has outgrown it.</summary>
    public bool IsNeeded() => index.Options.Learn && index.Read(static view => view.LivePassages >= LatentFormat.MinPassages
        && (view.Model is not { } model || view.LivePassages > model.TrainedOn * Growth || view.LivePassages < model.TrainedOn * Shrinkage
            || view.LatentRows < view.Rows));

    /// <summary>Learns from the newest commit. Readers and writers go on meanwhile; only the commit at the end takes the writer's role.</summary>
    /// <returns>Whether there was enough to learn from.</returns>
    public bool Run(SemaphoreSlim writer, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        int threads = index.Options.LearnThreads;
        using IndexSnapshot snapshot = index.Store.Acquire();
        IndexView view = index.ViewOf(snapshot);
        if (LatentTrainer.Train(view, threads, cancellationToken) is not { } trained)
        {
            return false;
        }

        // A store of its own lets the unfinished model be used through the same code that reads a finished one.
        using var draft = new MemoryIndexStore();
        ByteBuffer model = Write(trained);
        using IndexSnapshot modelSnapshot = Add(draft, new SegmentPayload().Add(SectionKind.LatentModel, model.Memory));
        LatentModel reader = LatentModel.Of(modelSnapshot.Segments[0]);
        Dictionary<long, ByteBuffer> codes = view.Segments.ToDictionary(
            segment => segment.Reader.Id, segment => LatentCodes.Write(reader, segment.Reader, threads, cancellationToken));

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
        LatentModel.Write(trained.Terms, trained.Vectors, trained.Dimensions, trained.Passages, model);
        return model;
    }

    private static IndexSnapshot Add(MemoryIndexStore store, params SegmentPayload[] payloads)
    {
        store.Commit(new IndexChange { Add = payloads }, CancellationToken.None);
        return store.Acquire();
    }

    // Segments that came while learning was under way are placed now, in the same commit.
    private void Commit(ByteBuffer model, LatentModel reader, Dictionary<long, ByteBuffer> codes, CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
        using IndexSnapshot snapshot = index.Store.Acquire();
        long id = snapshot.NextSegmentId;
        var add = new List<SegmentPayload> { new SegmentPayload().Add(SectionKind.LatentModel, model.Memory) };
        foreach (IndexSegment segment in snapshot.Segments.Where(SegmentReader.HoldsPassages))
        {
            ByteBuffer bytes = codes.TryGetValue(segment.Id, out ByteBuffer? ready) ? ready
                : LatentCodes.Write(reader, SegmentReader.Of(segment), index.Options.LearnThreads, cancellationToken);
            add.Add(new SegmentPayload().Add(SectionKind.LatentExtra, LatentCodes.Owner(segment.Id, id)).Add(SectionKind.LatentCodes, bytes.Memory));
        }

        long[] old = [.. snapshot.Segments.Where(segment => !SegmentReader.HoldsPassages(segment)
            && (segment.TryGetSection(SectionKind.LatentModel, out _) || segment.TryGetSection(SectionKind.LatentExtra, out _))).Select(segment => segment.Id)];
        index.Store.Commit(new IndexChange { Add = add, RemoveSegments = old }, lease, cancellationToken);
    }
}
