using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Tests.Segments;

public sealed class TextBlocksTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Text_AnyPassages_ComeBackAsTheyWere(int seed)
    {
        var random = new Random(seed);
        string[] passages = [.. Enumerable.Range(0, 600).Select(_ => Passage(random))];
        var writer = new TextBlockWriter();
        var places = new List<(int Offset, int Length)>();
        foreach (string passage in passages)
        {
            int offset = writer.Length;
            places.Add((offset, writer.Add(passage)));
        }

        byte[] section = writer.Finish().Memory.ToArray();
        using var store = new MemoryIndexStore();
        TextBlockReader reader = Open(store, section);
        Assert.Equal(places[^1].Offset + places[^1].Length, reader.Length);
        foreach (int i in Enumerable.Range(0, passages.Length).OrderBy(_ => random.Next()))
        {
            Assert.Equal(passages[i], reader.Text(places[i].Offset, places[i].Length));
        }
    }

    [Fact]
    public void Finish_NoText_IsAnEmptySectionThatIsRead()
    {
        using var store = new MemoryIndexStore();
        TextBlockReader reader = Open(store, new TextBlockWriter().Finish().Memory.ToArray());
        Assert.Equal(0, reader.Length);
        Assert.Equal("", reader.Text(0, 0));
        Assert.Throws<InvalidDataException>(() => reader.Text(0, 1));
    }

    [Fact]
    public void Finish_NaturalText_IsSmaller()
    {
        var writer = new TextBlockWriter();
        string text = File.ReadAllText(Path.Combine(TestData.Repository, "docs", "index-format.md"));
        for (int at = 0; at + 700 < text.Length; at += 700)
        {
            writer.Add(text.AsSpan(at, 700));
        }

        Assert.InRange(writer.Finish().Length, 1, (int)(writer.Length * 0.7));
    }

    [Fact]
    public void Text_ABlockIsDamaged_OthersAreReadWithoutIt()
    {
        var writer = new TextBlockWriter();
        for (int i = 0; i < 100; i++)
        {
            writer.Add(Filled(i));
        }

        byte[] section = writer.Finish().Memory.ToArray();
        section.AsSpan(section.Length / 2, 400).Clear();
        using var store = new MemoryIndexStore();
        TextBlockReader reader = Open(store, section);
        Assert.Equal(Filled(0), reader.Text(0, 1000));
        Assert.Equal(Filled(99), reader.Text(99_000, 1000));
    }

    [Fact]
    public void Text_AnyByteIsAnother_IsReadOrRefusedAndCostsNoMoreThanItHas()
    {
        var writer = new TextBlockWriter();
        for (int i = 0; i < 20; i++)
        {
            writer.Add(Filled(i));
        }

        byte[] good = writer.Finish().Memory.ToArray();
        var random = new Random(7);
        int refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] bad = [.. good];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                // The head and the entries as often as the blocks.
                int at = random.Next(2) == 0 ? random.Next(TextBlockFormat.HeadBytes + 80) : random.Next(bad.Length);
                bad[at] = (byte)random.Next(256);
            }

            using var store = new MemoryIndexStore();
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Assert.InRange(Open(store, random.Next(8) == 0 ? bad[..random.Next(bad.Length)] : bad).Text(random.Next(20) * 1000, 1000).Length, 1, 1000);
            }
            catch (Exception e) when (e is InvalidDataException or ArgumentOutOfRangeException)
            {
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }

        Assert.InRange(refused, 300, 3000);
    }

    private static string Filled(int number) => string.Concat(Enumerable.Repeat($"word{number:000} ", 125))[..1000];

    private static TextBlockReader Open(MemoryIndexStore store, byte[] section)
    {
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.TextBlocks, section)] }, default);
        using IndexCommitReader commit = store.Acquire();
        return new TextBlockReader(commit.Segments[^1].Sections[0]);
    }

    // Empty, short, longer than many blocks, of several bytes a character, and what cannot be compressed.
    private static string Passage(Random random) => random.Next(12) switch
    {
        0 => "",
        1 => new string('x', random.Next(1, 30_000)),
        2 => string.Concat(Enumerable.Range(0, random.Next(1, 3000)).Select(_ => (char)random.Next(0x4E00, 0x9FFF))),
        3 => string.Concat(Enumerable.Repeat("\U0001F600", random.Next(1, 2000))),
        4 => Convert.ToBase64String(Bytes(random, random.Next(1, 9000))),
        5 => new string('y', TextBlockFormat.BlockSize),
        _ => string.Join(' ', Enumerable.Range(0, random.Next(1, 200)).Select(_ => $"word{random.Next(500)}")),
    };

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
