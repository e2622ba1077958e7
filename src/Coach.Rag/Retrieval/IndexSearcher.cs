namespace Coach.Rag;

/// <summary>What searches need to know of one commit, computed once a commit. Valid while a snapshot of that commit is held.</summary>
internal sealed class IndexSearcher
{
    /// <param name="snapshot">The commit.</param>
    /// <param name="index">The index's name, for messages.</param>
    /// <param name="embedder">The identity of the embedder whose vectors can be used; null for none.</param>
    public IndexSearcher(IndexCommitReader snapshot, string index, string? embedder)
    {
        CommitId = snapshot.CommitId;
        Identity = snapshot.Identity;
        var segments = new List<(SegmentReader Reader, FixedBitSet Deleted)>();
        var lsa = new List<VectorSegment?>();
        var dense = new List<VectorSegment?>();
        var unscanned = new List<FixedBitSet>();
        Dictionary<long, IndexSegment> vectors = FindVectors(snapshot, embedder);
        Dictionary<long, IndexSegment> overlays = FindModel(snapshot);
        long tokens = 0;
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if (!SegmentReader.HoldsPassages(segment))
            {
                continue;
            }

            SegmentReader reader = SegmentReader.Of(segment);
            segments.Add((reader, segment.DeletedRows));
            OtherAnalyser ??= reader.Analyser == AnalyserIdentity.Current ? null : reader.Analyser;
            lsa.Add(CodesOf(segment, overlays, index, reader.Rows));
            dense.Add(vectors.TryGetValue(segment.Id, out IndexSegment? holder) ? VectorSegment.Open(holder, index) : null);
            Rows += reader.Rows;
            VectorRows += dense[^1] is { } vectorsOf ? vectorsOf.Rows - vectorsOf.Missing.Count : 0;
            unscanned.Add(Union(segment.DeletedRows, dense[^1]?.Missing ?? default));
            LsaRows += lsa[^1]?.Rows ?? 0;
            tokens += reader.TotalTokens;
            if (segment.DeletedRows.IsEmpty)
            {
                LivePassages += reader.Rows;
                LiveDocuments += reader.Documents;
                continue;
            }

            LivePassages += reader.Rows - segment.DeletedRows.Count;
            for (int d = 0; d < reader.Documents; d++)
            {
                LiveDocuments += segment.DeletedRows[reader.RowsOf(d).First] ? 0 : 1;
            }
        }

        Segments = segments;
        Lsa = lsa;
        Vectors = dense;
        WithoutVectors = unscanned;
        AverageLength = Rows == 0 ? 0 : (double)tokens / Rows;
    }

    public long CommitId { get; }

    /// <summary>Whose memory the searcher points into: see <see cref="IndexCommitReader.Identity"/>.</summary>
    public object? Identity { get; }

    public IReadOnlyList<(SegmentReader Reader, FixedBitSet Deleted)> Segments { get; }

    /// <summary>For each segment its rows' places in the latent space of <see cref="Model"/>; null where it has none.</summary>
    public IReadOnlyList<VectorSegment?> Lsa { get; }

    /// <summary>For each segment its rows' vectors from the registered embedder; null where it has none.</summary>
    public IReadOnlyList<VectorSegment?> Vectors { get; }

    /// <summary>For each segment the rows that are deleted or, among those of <see cref="Vectors"/>, have no vector yet.</summary>
    public IReadOnlyList<FixedBitSet> WithoutVectors { get; }

    /// <summary>Rows that have a vector of the registered embedder.</summary>
    public long VectorRows { get; }

    /// <summary>Another embedder whose vectors the index holds; null when there is none.</summary>
    public string? OtherEmbedder { get; private set; }

    /// <summary>Another analysis that made terms of the index: they do not meet those of a question. Null when there is none.</summary>
    public string? OtherAnalyser { get; private set; }

    /// <summary>The latent space that was learnt last; null when none was.</summary>
    public LsaModel? Model { get; private set; }

    /// <summary>Rows that have a place in the latent space.</summary>
    public long LsaRows { get; }

    /// <summary>Rows, deleted ones included: what document frequencies count.</summary>
    public long Rows { get; }

    public int LivePassages { get; }

    public int LiveDocuments { get; }

    public double AverageLength { get; }

    // The newest model, and the segments that place older text segments in its space.
    private Dictionary<long, IndexSegment> FindModel(IndexCommitReader snapshot)
    {
        var overlays = new Dictionary<long, IndexSegment>();
        IndexSegment? model = snapshot.Segments.LastOrDefault(segment => segment.TryGetSection(SectionKind.LatentModel, out _));
        if (model is null)
        {
            return overlays;
        }

        Model = LsaModel.Of(model);
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if (LsaVectors.TryReadOwner(segment, out long text, out long owner) && owner == Model.Id)
            {
                overlays[text == 0 ? segment.Id : text] = segment;
            }
        }

        return overlays;
    }

    private Dictionary<long, IndexSegment> FindVectors(IndexCommitReader snapshot, string? embedder)
    {
        var found = new Dictionary<long, IndexSegment>();
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if (!VectorOwner.TryRead(segment, out long text, out string identity))
            {
                continue;
            }

            if (identity == embedder)
            {
                found[text] = segment;
            }
            else
            {
                OtherEmbedder = identity;
            }
        }

        return found;
    }

    private static FixedBitSet Union(FixedBitSet deleted, FixedBitSet missing)
    {
        if (missing.IsEmpty)
        {
            return deleted;
        }

        byte[] both = missing.Bytes.ToArray();
        ReadOnlySpan<byte> more = deleted.Bytes.Span;
        for (int i = 0; i < Math.Min(both.Length, more.Length); i++)
        {
            both[i] |= more[i];
        }

        return new FixedBitSet(both);
    }

    private static VectorSegment? CodesOf(IndexSegment segment, Dictionary<long, IndexSegment> overlays, string index, int rows)
    {
        VectorSegment? codes = overlays.TryGetValue(segment.Id, out IndexSegment? holder)
            ? VectorSegment.OpenCodes(holder, index, SectionKind.LatentCodes) : null;
        return codes is null || codes.Rows == rows ? codes
            : throw RagException.IndexCorrupt(index, $"is damaged: segment {segment.Id} has {rows} rows and {codes.Rows} latent codes");
    }
}
