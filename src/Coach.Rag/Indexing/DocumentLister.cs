using Coach.Rag.Documents;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Indexing;

/// <summary>Reads what an index holds of its documents, one commit at a time.</summary>
internal static class DocumentLister
{
    /// <summary>The documents after one, in the order of their collections and ids.</summary>
    public static IReadOnlyList<StoredDocument> List(IndexSearcher searcher, StoredDocument? after, int top)
    {
        // Only as many as are asked for are kept at a time: an index may hold millions.
        var first = new SortedSet<(string Collection, string Id, int Segment, int Document)>(Order.Instance);
        for (int s = 0; s < searcher.Segments.Count; s++)
        {
            (SegmentReader reader, FixedBitSet deleted) = searcher.Segments[s];
            for (int d = 0; d < reader.Documents; d++)
            {
                if (deleted[reader.RowsOf(d).First])
                {
                    continue;
                }

                DocumentEntry entry = reader.Document(d);
                (string Collection, string Id, int Segment, int Document) key = (entry.Collection, entry.Id, s, d);
                if (after is null || Order.Compare(key.Collection, key.Id, after.Collection, after.Id) > 0)
                {
                    first.Add(key);
                    if (first.Count > top)
                    {
                        first.Remove(first.Max);
                    }
                }
            }
        }

        return [.. first.Select(key => Of(searcher.Segments[key.Segment].Reader, key.Document))];
    }

    /// <summary>The passages of a document, in its order; null when there is none of the id.</summary>
    public static IReadOnlyList<Passage>? Passages(IndexSearcher searcher, string collection, string id)
    {
        for (int s = searcher.Segments.Count - 1; s >= 0; s--)
        {
            (SegmentReader reader, FixedBitSet deleted) = searcher.Segments[s];
            int document = reader.FindDocument(collection, id);
            if (document >= 0 && reader.RowsOf(document) is var (first, count) && !deleted[first])
            {
                DocumentEntry entry = reader.Document(document);
                return [.. Enumerable.Range(first, count).Select(row => PassageOf(reader, entry, row))
                    .Where(passage => passage.Length > 0)];
            }
        }

        return null;
    }

    private static Passage PassageOf(SegmentReader reader, DocumentEntry entry, int row)
    {
        (string text, Chunk chunk) = reader.Passage(row);
        return new Passage(text, entry.Source, chunk.Start, chunk.Length, 0)
        {
            DocumentId = entry.Id,
            Collection = entry.Collection,
            Title = entry.Title,
            Page = chunk.Page > 0 ? chunk.Page : null,
            HeadingPath = chunk.Heading.Length == 0 ? [] : chunk.Heading.Split(TextBlock.Separator),
            Metadata = entry.Metadata,
        };
    }

    private static StoredDocument Of(SegmentReader reader, int document)
    {
        DocumentEntry entry = reader.Document(document);
        (int first, int count) = reader.RowsOf(document);
        int passages = count == 1 && reader.Passage(first).Chunk.Length == 0 ? 0 : count;
        return new StoredDocument(entry.Id, entry.Collection, passages)
        {
            Source = entry.Source,
            Title = entry.Title,
            Metadata = entry.Metadata,
        };
    }

    private sealed class Order : IComparer<(string Collection, string Id, int Segment, int Document)>
    {
        public static Order Instance { get; } = new();

        public static int Compare(string collection, string id, string otherCollection, string otherId)
        {
            int order = string.CompareOrdinal(collection, otherCollection);
            return order != 0 ? order : string.CompareOrdinal(id, otherId);
        }

        public int Compare(
            (string Collection, string Id, int Segment, int Document) x,
            (string Collection, string Id, int Segment, int Document) y) =>
                Compare(x.Collection, x.Id, y.Collection, y.Id);
    }
}
