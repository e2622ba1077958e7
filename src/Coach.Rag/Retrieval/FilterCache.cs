namespace Coach.Rag;

/// <summary>Turns a metadata filter into the rows of each segment that may be scored; remembered as long as the filter lives.</summary>
internal static class FilterCache
{
    public static ReadOnlyMemory<byte>?[]? Of(IndexSearcher searcher, MetadataFilter? filter)
    {
        if (filter is null)
        {
            return null;
        }

        var allowed = new ReadOnlyMemory<byte>?[searcher.Segments.Count];
        for (int s = 0; s < allowed.Length; s++)
        {
            SegmentReader reader = searcher.Segments[s].Reader;
            if (!reader.Filtered.TryGetValue(filter, out byte[]? rows))
            {
                reader.Filtered.AddOrUpdate(filter, rows = RowsOf(reader, filter));
            }

            allowed[s] = rows;
        }

        return allowed;
    }

    private static byte[] RowsOf(SegmentReader reader, MetadataFilter filter)
    {
        var bits = new byte[(reader.Rows + 7) / 8];
        for (int d = 0; d < reader.Documents; d++)
        {
            DocumentEntry document = reader.Document(d);
            if (!filter.Matches(new DocumentFields(document.Id, document.Source, document.Metadata)))
            {
                continue;
            }

            (int first, int count) = reader.RowsOf(d);
            for (int row = first; row < first + count; row++)
            {
                bits[row >> 3] |= (byte)(1 << (row & 7));
            }
        }

        return bits;
    }
}
