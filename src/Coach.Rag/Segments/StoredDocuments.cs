using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Coach.Rag.Segments;

/// <summary>
/// The document table of a segment, searched in place: count, sorted 64-bit hashes of the ids, the documents in that
/// order, offsets, records.
/// </summary>
internal static class StoredDocuments
{
    public static ByteBuffer Write(IReadOnlyList<DocumentEntry> documents, IReadOnlyList<(int First, int Count)> ranges)
    {
        int count = documents.Count;
        var keys = new ulong[count];
        var order = new int[count];
        for (int i = 0; i < count; i++)
        {
            keys[i] = KeyOf(documents[i].Collection, documents[i].Id);
            order[i] = i;
        }

        Array.Sort(keys, order);
        var output = new ByteBuffer(16 + (count * 120));
        output.Int32(count);
        output.Int32(0);
        output.Values<ulong>(keys);
        output.Values<int>(order);
        int offsets = output.Length;
        output.Append((count + 1) * 4);
        int data = output.Length;
        for (int i = 0; i < count; i++)
        {
            output.Set(offsets + (i * 4), output.Length - data);
            DocumentEntry document = documents[i];
            BinaryPrimitives.WriteUInt128LittleEndian(output.Append(16), document.Hash);
            output.Int32(ranges[i].First);
            output.Int32(ranges[i].Count);
            output.Text(document.Id);
            output.Text(document.Collection);
            output.Text(document.Source);
            output.Text(document.Version);
            output.Text(document.Title);
            output.Int32(document.Metadata.Count);
            foreach ((string key, string value) in document.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                output.Text(key);
                output.Text(value);
            }
        }

        output.Set(offsets + (count * 4), output.Length - data);
        return output;
    }

    public static int Count(ReadOnlySpan<byte> table) => BinaryPrimitives.ReadInt32LittleEndian(table);

    /// <summary>The document of an id within its collection, −1 when there is none.</summary>
    public static int Find(ReadOnlySpan<byte> table, ulong key, string collection, string id)
    {
        int count = Count(table);
        ReadOnlySpan<ulong> keys = MemoryMarshal.Cast<byte, ulong>(table.Slice(8, count * 8));
        ReadOnlySpan<int> order = MemoryMarshal.Cast<byte, int>(table.Slice(8 + (count * 8), count * 4));

        // Keys are hashes, so a key's place follows from its value, but for a few times the square root of their
        // number.
        int guess = (int)(((UInt128)key * (uint)count) >> 64);
        int reach = (2 * (int)Math.Sqrt(count)) + 8;
        int low = Math.Max(0, guess - reach);
        int high = Math.Min(count, guess + reach);
        bool isWithin = low < high && (low == 0 || keys[low] <= key) && (high == count || keys[high - 1] >= key);
        int at = isWithin ? keys[low..high].BinarySearch(key) : keys.BinarySearch(key);
        if (at < 0)
        {
            return -1;
        }

        at += isWithin ? low : 0;
        while (at > 0 && keys[at - 1] == key)
        {
            at--;
        }

        Span<byte> wanted = new byte[Encoding.UTF8.GetByteCount(id)];
        Encoding.UTF8.GetBytes(id, wanted);
        for (; at < count && keys[at] == key; at++)
        {
            var cursor = new ByteCursor(Record(table, order[at]));
            cursor.Bytes(24);
            if (cursor.RawText().SequenceEqual(wanted) && cursor.Text() == collection)
            {
                return order[at];
            }
        }

        return -1;
    }

    public static (int First, int Count) Rows(ReadOnlySpan<byte> table, int document)
    {
        ReadOnlySpan<byte> record = Record(table, document);
        return (BinaryPrimitives.ReadInt32LittleEndian(record[16..]), BinaryPrimitives.ReadInt32LittleEndian(
            record[20..]));
    }

    public static DocumentEntry Read(ReadOnlySpan<byte> table, int document)
    {
        var cursor = new ByteCursor(Record(table, document));
        UInt128 hash = BinaryPrimitives.ReadUInt128LittleEndian(cursor.Bytes(16));
        cursor.Bytes(8);
        string id = cursor.Text();
        string collection = cursor.Text();
        return new DocumentEntry(collection, id, hash)
        {
            Source = cursor.Text(),
            Version = cursor.Text(),
            Title = cursor.Text(),
            Metadata = ReadMetadata(ref cursor),
        };
    }

    private static IReadOnlyDictionary<string, string> ReadMetadata(ref ByteCursor cursor)
    {
        int pairs = cursor.Int32();
        if (pairs == 0)
        {
            return KnowledgeDocument.EmptyMetadata;
        }

        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < pairs; i++)
        {
            string key = cursor.Text();
            metadata[key] = cursor.Text();
        }

        return metadata;
    }

    private static ReadOnlySpan<byte> Record(ReadOnlySpan<byte> table, int document)
    {
        int count = Count(table);
        return StringBlock.Bytes(table[(8 + (count * 12))..], count, document);
    }

    /// <summary>What documents are looked up by: the first 64 bits of a hash.</summary>
    public static ulong KeyOf(string collection, string id)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(collection + "\n" + id), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }
}

/// <summary>What the index keeps of a document.</summary>
/// <param name="Collection">The source it is from; empty for documents added in code.</param>
/// <param name="Id">Its id within the collection.</param>
/// <param name="Hash">The hash of its content and of the settings that cut it.</param>
internal sealed record DocumentEntry(string Collection, string Id, UInt128 Hash)
{
    /// <summary>Where it came from, for citations.</summary>
    public required string Source { get; init; }

    /// <summary>What its source knows it by; empty when it has to be read to be known.</summary>
    public required string Version { get; init; }

    public required string Title { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
}
