using System.Runtime.CompilerServices;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using RowsByFilter = System.Runtime.CompilerServices.ConditionalWeakTable<Coach.Rag.MetadataFilter, byte[]>;

namespace Coach.Rag.Search;

/// <summary>
/// Filter cache: the rows of each segment that a metadata filter allows, as a bitmap. A segment never changes, so an
/// entry lives as long as its segment and its filter do, and needs no limit.
/// </summary>
internal static class FilterCache
{
    private static readonly ConditionalWeakTable<SegmentReader, RowsByFilter> Cache = [];

    /// <summary>The allowed rows of each segment; null when there is no filter.</summary>
    public static ReadOnlyMemory<byte>?[]? Of(IndexReader index, MetadataFilter? filter)
    {
        if (filter is null)
        {
            return null;
        }

        var allowed = new ReadOnlyMemory<byte>?[index.Segments.Count];
        for (int s = 0; s < allowed.Length; s++)
        {
            SegmentReader reader = index.Segments[s].Reader;
            RowsByFilter filters = Cache.GetOrCreateValue(reader);
            if (!filters.TryGetValue(filter, out byte[]? rows))
            {
                filters.AddOrUpdate(filter, rows = RowsOf(reader, filter));
            }

            allowed[s] = rows;
        }

        return allowed;
    }

    private static byte[] RowsOf(SegmentReader reader, MetadataFilter filter)
    {
        byte[] rows = FixedBitSet.Empty(reader.Rows);
        for (int document = 0; document < reader.Documents; document++)
        {
            if (filter.Matches(reader.Document(document)))
            {
                (int first, int count) = reader.RowsOf(document);
                FixedBitSet.AddRange(rows, first, count);
            }
        }

        return rows;
    }
}
