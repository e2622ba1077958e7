using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Coach.Rag.Tests.Store;

/// <summary>Reads an index with nothing but <c>docs/index-format.md</c>: what another program would do.</summary>
public sealed class IndexFormatTests
{
    [Fact]
    public async Task File_ReadAsThePageSays_HoldsDocumentsPassagesTermsAndVectors()
    {
        using var folder = new TempFolder();
        string path = folder.File("k.coach");
        await using (var host = new RagHost(rag => rag.UseIndexFile(path).UseEmbeddings(new PlantedEmbeddings(_ => [3, 4])), o => o.Learn = false))
        {
            await host.Knowledge.AddOrUpdateAsync([.. Enumerable.Range(0, 300).Select(i => new KnowledgeDocument($"d{i}", i % 2 == 0 ? $"cats cats {i}" : $"dogs {i}")),
                new KnowledgeDocument("guide", "# Guide\n\n## Food\n\nTea and cake.") { Format = TextFormat.Markdown, Metadata = new Dictionary<string, string> { ["lang"] = "en" } }]);
            await host.Knowledge.RemoveAsync(["d2"]);
        }

        byte[] file = await File.ReadAllBytesAsync(path);

        // Header, hint, trailer, record.
        Assert.Equal([0x89, 0x43, 0x4F, 0x41, 0x43, 0x48, 0x0D, 0x0A], file[..8]);
        Assert.Equal((3, 64, Crc(file, 0, 60)), (Int32(file, 8), Int32(file, 12), UInt32(file, 60)));
        int trailer = file.Length - 64;
        Assert.Equal((trailer, Crc(file, 64, 24)), (Int64(file, 64), UInt32(file, 64 + 24)));
        Assert.Equal(file[16..32], file[(64 + 8)..(64 + 24)]);
        Assert.Equal("CoCommit", Encoding.ASCII.GetString(file, trailer, 8));
        Assert.Equal(file[16..32], file[(trailer + 8)..(trailer + 24)]);
        Assert.Equal(Crc(file, trailer, 60), UInt32(file, trailer + 60));
        int record = (int)Int64(file, trailer + 32);
        Assert.Equal(Crc(file, record, Int32(file, trailer + 40)), UInt32(file, trailer + 44));

        // Segments: the text, and its vectors.
        Assert.Equal(2, Int32(file, record + 24));
        Dictionary<int, byte[]>[] segments = [Segment(file, record + 32), Segment(file, record + 80)];
        Dictionary<int, byte[]> text = segments[0];
        Assert.Equal([1, 2, 6, 16, 17, 18, 20], text.Keys.Order());
        Assert.Equal("english-porter/2", Encoding.UTF8.GetString(text[20]));
        int bitmap = (int)Int64(file, record + 32 + 24);
        Assert.Equal(Crc(file, bitmap, Int32(file, record + 32 + 32)), UInt32(file, record + 32 + 36));

        // Documents.
        byte[] table = text[1];
        int count = Int32(table, 0);
        Assert.Equal(301, count);
        int guide = Document(table, "guide");
        int at = 8 + (12 * count) + (4 * (count + 1)) + Int32(table, 8 + (12 * count) + (4 * guide)) + 16;
        int row = Int32(table, at);
        Assert.Equal(1, Int32(table, at + 4));
        at += 8;
        string[] fields = [.. Enumerable.Range(0, 5).Select(_ => Text(table, ref at))];
        Assert.Equal(["guide", "", "guide", "", "Guide"], fields);
        Assert.Equal(1, Int32(table, at));
        at += 4;
        Assert.Equal(("lang", "en"), (Text(table, ref at), Text(table, ref at)));
        int removed = Document(table, "d2");
        int removedRow = Int32(table, 8 + (12 * count) + (4 * (count + 1)) + Int32(table, 8 + (12 * count) + (4 * removed)) + 16);
        Assert.Equal(1, file[bitmap + (removedRow / 8)] >> (removedRow % 8) & 1);

        // Passages and text.
        byte[] passages = text[2];
        int entry = 8 + (24 * row);
        Assert.Equal("Tea and cake.", Encoding.UTF8.GetString(Unpacked(text[6]), Int32(passages, entry), Int32(passages, entry + 4)));
        Assert.Equal((guide, 18, 13), (Int32(passages, entry + 8), Int32(passages, entry + 12), Int32(passages, entry + 16)));
        int rows = Int32(passages, 0);
        Assert.Equal("Guide\u001FFood", Strings(passages.AsSpan(8 + (24 * rows)), Int32(passages, 4), Int32(passages, entry + 20)));

        // Terms, postings, lengths.
        byte[] terms = text[16];
        int words = Int32(terms, 0);
        ReadOnlySpan<byte> names = terms.AsSpan(16 + (4 * (words + 1)) + (12 * words));
        int cat = Enumerable.Range(0, words).Single(t =>
            Encoding.UTF8.GetString(terms, 16 + (4 * (words + 1)) + (12 * words) + Int32(terms, 16 + (4 * t)), Int32(terms, 20 + (4 * t)) - Int32(terms, 16 + (4 * t))) == "cat");
        Assert.False(names.IsEmpty);
        int figures = 16 + (4 * (words + 1)) + (12 * cat);
        Assert.Equal(150, Int32(terms, figures));
        List<(int Row, int Frequency)> postings = Postings(text[17], Int32(terms, figures + 4), 150);
        Assert.Equal(Enumerable.Range(0, 150).Select(i => (i * 2, 2)), postings);
        Assert.Equal((rows, 3), (Int32(text[18], 0), BinaryPrimitives.ReadUInt16LittleEndian(text[18].AsSpan(16))));

        // Vectors.
        Dictionary<int, byte[]> vectors = segments[1];
        Assert.Equal([32, 33, 34], vectors.Keys.Order());
        Assert.Equal((Int64(file, record + 32), "test/planted"), (Int64(vectors[34], 0), Encoding.UTF8.GetString(vectors[34].AsSpan(8)).Split(' ')[0]));
        Assert.Equal((0.6f, 0.8f), (BinaryPrimitives.ReadSingleLittleEndian(vectors[33]), BinaryPrimitives.ReadSingleLittleEndian(vectors[33].AsSpan(4))));
        Assert.Equal(("DNS1", rows, 2), (Encoding.ASCII.GetString(vectors[32], 0, 4), Int32(vectors[32], 4), Int32(vectors[32], 8)));
        int codes = (64 + (4 * rows) + 63) / 64 * 64;
        Assert.Equal(0.8f, (vectors[32][codes + 1] - 128) * BinaryPrimitives.ReadSingleLittleEndian(vectors[32].AsSpan(64)), 1e-6);
        Assert.Equal(128, vectors[32][codes + 2]);
    }

    private static Dictionary<int, byte[]> Segment(byte[] file, int entry)
    {
        int directory = (int)Int64(file, entry + 8);
        Assert.Equal(Crc(file, directory, Int32(file, entry + 16)), UInt32(file, entry + 20));
        Assert.Equal(Int64(file, entry), Int64(file, directory));
        Dictionary<int, byte[]> sections = [];
        for (int s = 0; s < Int32(file, directory + 8); s++)
        {
            int at = directory + 16 + (24 * s);
            int offset = (int)Int64(file, at + 8);
            int length = (int)Int64(file, at + 16);
            Assert.Equal(0, offset % 64);
            int checks = (offset + length + 63) / 64 * 64;
            int blocks = (length + 16_383) / 16_384;
            Assert.Equal(blocks == 0 ? 0 : Crc(file, checks, blocks * 4), UInt32(file, at + 4));
            for (int b = 0; b < blocks; b++)
            {
                Assert.Equal(Crc(file, offset + (b * 16_384), Math.Min(16_384, length - (b * 16_384))), UInt32(file, checks + (b * 4)));
            }

            sections[Int32(file, at)] = file[offset..(offset + length)];
        }

        return sections;
    }

    // The text of all blocks, one after the other.
    private static byte[] Unpacked(byte[] section)
    {
        Assert.Equal(("TXB1", 1), (Encoding.ASCII.GetString(section, 0, 4), Int32(section, 4)));
        int blocks = Int32(section, 8);
        var text = new byte[Int64(section, 16)];
        int data = 32 + (8 * (blocks + 1));
        for (int b = 0; b < blocks; b++)
        {
            int entry = 32 + (8 * b);
            int start = Int32(section, entry);
            int length = Int32(section, entry + 8) - start;
            byte[] stored = section[(data + Int32(section, entry + 4))..(data + Int32(section, entry + 12))];
            Assert.InRange(length, 1, 65_536);
            if (stored.Length == length)
            {
                stored.CopyTo(text, start);
                continue;
            }

            using var brotli = new BrotliStream(new MemoryStream(stored), CompressionMode.Decompress);
            brotli.ReadExactly(text, start, length);
            Assert.Equal(-1, brotli.ReadByte());
        }

        return text;
    }

    private static int Document(byte[] table, string id)
    {
        int count = Int32(table, 0);
        long key = BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes("\n" + id)));
        int at = Enumerable.Range(0, count).Single(i => Int64(table, 8 + (8 * i)) == key);
        return Int32(table, 8 + (8 * count) + (4 * at));
    }

    private static List<(int Row, int Frequency)> Postings(byte[] section, int start, int count)
    {
        var found = new List<(int, int)>();
        int blocks = (count + 127) / 128;
        int previous = -1;
        for (int b = 0; b < blocks; b++)
        {
            int at = start + (blocks > 1 ? Int32(section, start + (12 * b) + 4) : 0);
            int n = Math.Min(128, count - (128 * b));
            int gapBits = section[at];
            int frequencyBits = section[at + 1];
            for (int i = 0; i < n; i++)
            {
                previous += 1 + Bits(section, ((at + 2) * 8) + (i * gapBits), gapBits);
                found.Add((previous, 1 + Bits(section, ((at + 2 + (((n * gapBits) + 7) / 8)) * 8) + (i * frequencyBits), frequencyBits)));
            }

            Assert.True(blocks == 1 || Int32(section, start + (12 * b)) == previous);
        }

        return found;
    }

    private static int Bits(byte[] bytes, int first, int count) =>
        Enumerable.Range(0, count).Sum(i => ((bytes[(first + i) / 8] >> ((first + i) % 8)) & 1) << i);

    private static string Strings(ReadOnlySpan<byte> table, int count, int index)
    {
        int start = BinaryPrimitives.ReadInt32LittleEndian(table[(4 * index)..]);
        int end = BinaryPrimitives.ReadInt32LittleEndian(table[(4 * (index + 1))..]);
        return Encoding.UTF8.GetString(table[(4 * (count + 1))..][start..end]);
    }

    private static string Text(byte[] bytes, ref int at)
    {
        int length = Int32(bytes, at);
        at += 4 + length;
        return Encoding.UTF8.GetString(bytes, at - length, length);
    }

    private static int Int32(byte[] bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));

    private static uint UInt32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static long Int64(byte[] bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));

    // CRC-32C bit by bit, from its polynomial.
    private static uint Crc(byte[] bytes, int start, int length)
    {
        uint crc = uint.MaxValue;
        for (int i = start; i < start + length; i++)
        {
            crc ^= bytes[i];
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u);
            }
        }

        return ~crc;
    }
}
