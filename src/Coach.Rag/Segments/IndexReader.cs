using Coach.Rag.Analysis;
using Coach.Rag.Store;

namespace Coach.Rag.Segments;

/// <summary>
/// The readers of all text segments of one commit with their live documents, and the collection statistics that BM25
/// needs (Lucene's composite reader). Valid while a snapshot of that commit is held.
/// </summary>
internal sealed class IndexReader
{
    /// <param name="commit">The commit.</param>
    /// <param name="analyser">The identity of the analysis that questions are read by.</param>
    /// <exception cref="RagException">A segment lacks a section, or its checksum does not match.</exception>
    public IndexReader(IndexCommitReader commit, string analyser = AnalyserIdentity.English)
    {
        CommitId = commit.CommitId;
        var segments = new List<(SegmentReader Reader, FixedBitSet Deleted)>();
        long tokens = 0;
        foreach (IndexSegment segment in commit.Segments.Where(SegmentReader.HoldsPassages))
        {
            SegmentReader reader = SegmentReader.Of(segment);
            segments.Add((reader, segment.DeletedRows));
            OtherAnalyser ??= reader.Analyser == analyser ? null : reader.Analyser;
            Rows += reader.Rows;
            tokens += reader.TotalTokens;
            LivePassages += reader.Rows - segment.DeletedRows.Count;
            LiveDocuments += CountLive(reader, segment.DeletedRows);
        }

        Segments = segments;
        AverageLength = Rows == 0 ? 0 : (double)tokens / Rows;
    }

    /// <summary>The number of the commit.</summary>
    public long CommitId { get; }

    /// <summary>The text segments, oldest first, each with its deleted rows.</summary>
    public IReadOnlyList<(SegmentReader Reader, FixedBitSet Deleted)> Segments { get; }

    /// <summary>
    /// Another analysis that made terms of the index: they do not meet those of a question. Null when there is none.
    /// </summary>
    public string? OtherAnalyser { get; }

    /// <summary>Rows, deleted ones included: what document frequencies count.</summary>
    public long Rows { get; }

    /// <summary>Rows that are not deleted.</summary>
    public int LivePassages { get; }

    /// <summary>Documents that are not deleted.</summary>
    public int LiveDocuments { get; }

    /// <summary>The mean number of terms of a row; 0 for an empty index.</summary>
    public double AverageLength { get; }

    private static int CountLive(SegmentReader reader, FixedBitSet deleted)
    {
        if (deleted.IsEmpty)
        {
            return reader.Documents;
        }

        int live = 0;
        for (int document = 0; document < reader.Documents; document++)
        {
            live += deleted[reader.RowsOf(document).First] ? 0 : 1;
        }

        return live;
    }
}
