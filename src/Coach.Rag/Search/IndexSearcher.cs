using Coach.Rag.Analysis;
using Coach.Rag.Lsa;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Search;

/// <summary>
/// Everything that one commit can be searched by: terms, the vectors of the registered embedder, the places in the
/// latent space. Computed once a commit; valid while a snapshot of that commit is held.
/// </summary>
internal sealed class IndexSearcher
{
    /// <param name="commit">The commit.</param>
    /// <param name="index">The index's name, for messages.</param>
    /// <param name="embedder">The identity of the embedder whose vectors can be used; null for none.</param>
    /// <param name="analyser">The identity of the analysis that questions are read by.</param>
    /// <exception cref="RagException">
    /// Sections of a segment do not fit together, or a checksum does not match.
    /// </exception>
    public IndexSearcher(
        IndexCommitReader commit, string index, string? embedder, string analyser = AnalyserIdentity.English)
    {
        Reader = new IndexReader(commit, analyser);
        Identity = commit.Identity;
        var segments = commit.Segments.ToDictionary(segment => segment.Id);
        Dictionary<long, IndexSegment> vectorsOf = FindVectors(commit, embedder);
        Dictionary<long, IndexSegment> codesOf = FindModel(commit);
        var vectors = new List<VectorSegment?>();
        var lsa = new List<VectorSegment?>();
        var unscanned = new List<FixedBitSet>();
        foreach ((SegmentReader reader, FixedBitSet deleted) in Reader.Segments)
        {
            VectorSegment? own = vectorsOf.TryGetValue(reader.Id, out IndexSegment? holder)
                ? VectorSegment.Open(holder, index)
                : null;
            VectorSegment? codes = CodesOf(segments[reader.Id], codesOf, index, reader.Rows);
            vectors.Add(own);
            lsa.Add(codes);
            unscanned.Add(FixedBitSet.Union(deleted, own?.Missing ?? default));
            VectorRows += own is null ? 0 : own.Rows - own.Missing.Count;
            LsaRows += codes?.Rows ?? 0;
        }

        Vectors = vectors;
        Lsa = lsa;
        WithoutVectors = unscanned;
    }

    /// <summary>The commit's text segments and their statistics.</summary>
    public IndexReader Reader { get; }

    /// <summary>Whose memory the searcher points into: see <see cref="IndexCommitReader.Identity"/>.</summary>
    public object Identity { get; }

    /// <inheritdoc cref="IndexReader.Segments" />
    public IReadOnlyList<(SegmentReader Reader, FixedBitSet Deleted)> Segments => Reader.Segments;

    /// <inheritdoc cref="IndexReader.Rows" />
    public long Rows => Reader.Rows;

    /// <inheritdoc cref="IndexReader.LivePassages" />
    public int LivePassages => Reader.LivePassages;

    /// <summary>
    /// For each text segment its rows' places in the latent space of <see cref="Model"/>; null where it has none.
    /// </summary>
    public IReadOnlyList<VectorSegment?> Lsa { get; }

    /// <summary>For each text segment its rows' vectors from the registered embedder; null where it has none.</summary>
    public IReadOnlyList<VectorSegment?> Vectors { get; }

    /// <summary>
    /// For each text segment the rows that are deleted or, among those of <see cref="Vectors"/>, have no vector yet.
    /// </summary>
    public IReadOnlyList<FixedBitSet> WithoutVectors { get; }

    /// <summary>Rows that have a vector of the registered embedder.</summary>
    public long VectorRows { get; }

    /// <summary>Another embedder whose vectors the index holds; null when there is none.</summary>
    public string? OtherEmbedder { get; private set; }

    /// <summary>The latent space that was learnt last; null when none was.</summary>
    public LsaModel? Model { get; private set; }

    /// <summary>Rows that have a place in the latent space.</summary>
    public long LsaRows { get; }

    /// <summary>The number of components of the embedder's vectors; 0 when there are none.</summary>
    public int Dimension => Vectors.FirstOrDefault(segment => segment is not null)?.Dimension ?? 0;

    // The newest model, and the segments that place older text segments in its space.
    private Dictionary<long, IndexSegment> FindModel(IndexCommitReader commit)
    {
        var codes = new Dictionary<long, IndexSegment>();
        IndexSegment? model = commit.Segments.LastOrDefault(s => s.TryGetSection(SectionKind.LatentModel, out _));
        if (model is null)
        {
            return codes;
        }

        Model = LsaModel.Of(model);
        foreach (IndexSegment segment in commit.Segments)
        {
            if (LsaVectors.TryReadOwner(segment, out long text, out long owner) && owner == Model.Id)
            {
                codes[text == 0 ? segment.Id : text] = segment;
            }
        }

        return codes;
    }

    private Dictionary<long, IndexSegment> FindVectors(IndexCommitReader commit, string? embedder)
    {
        var found = new Dictionary<long, IndexSegment>();
        foreach (IndexSegment segment in commit.Segments)
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

    private static VectorSegment? CodesOf(
        IndexSegment segment, Dictionary<long, IndexSegment> codesOf, string index, int rows)
    {
        VectorSegment? codes = codesOf.TryGetValue(segment.Id, out IndexSegment? holder)
            ? VectorSegment.OpenCodes(holder, index, SectionKind.LatentCodes)
            : null;
        if (codes is not null && codes.Rows != rows)
        {
            throw RagException.IndexCorrupt(
                index, $"is damaged: segment {segment.Id} has {rows} rows and {codes.Rows} latent codes");
        }

        return codes;
    }
}
