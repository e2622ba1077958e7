using Coach.Rag.Diagnostics;
using Coach.Rag.Lsa;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Indexing;

/// <summary>Learns the latent space of an index and commits it with the places of all passages.</summary>
internal sealed class LsaTrainingService(IndexManager index, TimeProvider time, ILogger logger)
{
    private const double Growth = 1.25;
    private const double Shrinkage = 0.5;
    private const int MaxCatchUps = 4;

    /// <summary>Whether the space is missing, or the collection has outgrown it.</summary>
    public bool IsNeeded() => index.Options.Learn && index.Read(IsNeededFor);

    /// <summary>
    /// Learns from the newest commit. Readers and writers go on meanwhile; only the commit at the end takes the
    /// writer's role.
    /// </summary>
    /// <returns>Whether there was enough to learn from.</returns>
    /// <exception cref="RagException">The index cannot be read or written.</exception>
    public bool Run(SemaphoreSlim writer, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        int threads = index.Options.LearnThreads;
        using IndexCommitReader commit = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(commit);
        if (LsaTrainer.Train(searcher.Reader, threads, cancellationToken) is not { } trained)
        {
            return false;
        }

        // A store of its own lets the unfinished model be used through the same code that reads a finished one.
        using var draft = new MemoryIndexStore();
        ByteBuffer bytes = Write(trained);
        var payload = new SegmentPayload().Add(SectionKind.LatentModel, bytes.Memory);
        draft.Commit(new IndexChange { Add = [payload] }, CancellationToken.None);
        using IndexCommitReader draftCommit = draft.Acquire();
        LsaModel model = LsaModel.Of(draftCommit.Segments[0]);
        Dictionary<long, ByteBuffer> codes = searcher.Segments.ToDictionary(
            segment => segment.Reader.Id,
            segment => LsaVectors.Write(model, segment.Reader, threads, cancellationToken));

        // What came meanwhile is placed before the writer's role is taken; a little may come after that.
        for (int round = 0; round < MaxCatchUps && CatchUp(model, codes, cancellationToken); round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        writer.Wait(cancellationToken);
        try
        {
            Commit(bytes, model, codes, cancellationToken);
        }
        finally
        {
            writer.Release();
        }

        double seconds = time.GetElapsedTime(start).TotalSeconds;
        logger.Learnt(trained.Passages, trained.Terms.Count, trained.Dimensions, seconds);
        return true;
    }

    private bool CatchUp(LsaModel model, Dictionary<long, ByteBuffer> codes, CancellationToken cancellationToken)
    {
        using IndexCommitReader now = index.Store.Acquire();
        IndexSegment[] missing =
        [
            .. now.Segments.Where(segment => SegmentReader.HoldsPassages(segment) && !codes.ContainsKey(segment.Id)),
        ];
        foreach (IndexSegment segment in missing)
        {
            codes.Add(segment.Id, LsaVectors.Write(
                model, SegmentReader.Of(segment), index.Options.LearnThreads, cancellationToken));
        }

        return missing.Length > 0;
    }

    private static bool IsNeededFor(IndexSearcher searcher)
    {
        if (searcher.LivePassages < LsaFormat.MinPassages)
        {
            return false;
        }

        return searcher.Model is not { } model
            || searcher.LivePassages > model.TrainedOn * Growth
            || searcher.LivePassages < model.TrainedOn * Shrinkage
            || searcher.LsaRows < searcher.Rows;
    }

    private static ByteBuffer Write(LsaTraining trained)
    {
        var model = new ByteBuffer(1 << 20);
        LsaModel.Write(trained, model);
        return model;
    }

    // Segments that came while learning was under way are placed now, in the same commit.
    private void Commit(
        ByteBuffer bytes, LsaModel model, Dictionary<long, ByteBuffer> codes, CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
        using IndexCommitReader commit = index.Store.Acquire();
        long id = commit.NextSegmentId;
        var add = new List<SegmentPayload> { new SegmentPayload().Add(SectionKind.LatentModel, bytes.Memory) };
        foreach (IndexSegment segment in commit.Segments.Where(SegmentReader.HoldsPassages))
        {
            if (!codes.TryGetValue(segment.Id, out ByteBuffer? places))
            {
                SegmentReader reader = SegmentReader.Of(segment);
                places = LsaVectors.Write(model, reader, index.Options.LearnThreads, cancellationToken);
            }

            add.Add(new SegmentPayload()
                .Add(SectionKind.LatentExtra, LsaVectors.Owner(segment.Id, id))
                .Add(SectionKind.LatentCodes, places.Memory));
        }

        long[] old = [.. commit.Segments.Where(LsaModel.IsHeldBy).Select(segment => segment.Id)];
        index.Store.Commit(new IndexChange { Add = add, RemoveSegments = old }, lease, cancellationToken);
    }
}
