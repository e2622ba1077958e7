namespace Coach.Rag;

/// <summary>What searches need to know of one commit, computed once a commit. Valid while a snapshot of that commit is held.</summary>
internal sealed class IndexView
{
    public IndexView(IndexSnapshot snapshot)
    {
        CommitId = snapshot.CommitId;
        var segments = new List<(SegmentReader Reader, RowBitmap Deleted)>();
        long tokens = 0;
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if (!SegmentReader.HoldsPassages(segment))
            {
                continue;
            }

            SegmentReader reader = SegmentReader.Of(segment);
            segments.Add((reader, segment.DeletedRows));
            Rows += reader.Rows;
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
        AverageLength = Rows == 0 ? 0 : (double)tokens / Rows;
    }

    public long CommitId { get; }

    public IReadOnlyList<(SegmentReader Reader, RowBitmap Deleted)> Segments { get; }

    /// <summary>Rows, deleted ones included: what document frequencies count.</summary>
    public long Rows { get; }

    public int LivePassages { get; }

    public int LiveDocuments { get; }

    public double AverageLength { get; }
}
