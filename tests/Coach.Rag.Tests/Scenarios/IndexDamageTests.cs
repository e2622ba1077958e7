using System.Buffers.Binary;
using Coach.Rag.Store;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>Cut, flipped, foreign and made-up files: an error or a commit, never anything else.</summary>
public sealed class IndexDamageTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _path;
    private readonly Dictionary<long, string> _digests = [];
    private readonly byte[] _good;

    public IndexDamageTests()
    {
        _path = _folder.File("a.coach");
        using (var store = new FileIndexStore(_path))
        {
            for (int i = 1; i <= 6; i++)
            {
                _digests[i] = IndexContent.Commit(store, seed: 99);
            }
        }

        _good = File.ReadAllBytes(_path);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_CutAtEvery4KiB_IsCorruptOrACommit()
    {
        long last = 0;
        for (int length = 0; length <= _good.Length; length += 4096)
        {
            File.WriteAllBytes(_path, _good.AsSpan(0, length));
            last = Math.Max(last, CheckIsErrorOrCommit());
        }

        Assert.InRange(last, 5, 6);
    }

    [Fact]
    public void Open_CutAtAnyByteOfTheLastCommit_IsThatBeforeUnlessItIsWhole()
    {
        for (int length = _good.Length - 200; length <= _good.Length; length++)
        {
            File.WriteAllBytes(_path, _good.AsSpan(0, length));
            Assert.Equal(length == _good.Length ? 6 : 5, CheckIsErrorOrCommit());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Open_RandomBitFlipped_IsDetectedOrHarmless(int seed)
    {
        var random = new Random(seed);
        int errors = 0;
        for (int round = 0; round < 1500; round++)
        {
            byte[] bytes = [.. _good];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            File.WriteAllBytes(_path, bytes);
            errors += CheckIsErrorOrCommit() == 0 ? 1 : 0;
        }

        Assert.True(errors > 100, $"only {errors} of 1500 damages were reported (seed {seed})");
    }

    [Fact]
    public void AcquireLastGood_NewestSectionDamaged_IsTheCommitBefore()
    {
        using (var store = new FileIndexStore(_path))
        {
            store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[70_000])] }, default);
        }

        using (FileStream file = File.Open(_path, FileMode.Open))
        {
            file.Position = _good.Length + 40_000;
            file.WriteByte(1);
        }

        using var reopened = new FileIndexStore(_path);
        using (IndexCommitReader newest = reopened.Acquire())
        {
            Assert.Equal(7, newest.CommitId);
            IndexSection section = newest.Segments[^1].Sections[0];
            Assert.Equal(100, section.Slice(0, 100).Length);
            RagException exception = Assert.Throws<RagException>(() => section.Slice(33_000, 10).Length);
            Assert.Equal(("ERR_INDEX_CORRUPT", RagError.IndexCorrupt, false), (exception.Code, exception.Error, exception.IsTransient));
            Assert.Throws<RagException>(() => section.Span.Length);
            Assert.Throws<RagException>(() => section.Verify(default));
        }

        using IndexCommitReader good = reopened.AcquireLastGood(default);
        Assert.Equal(6, good.CommitId);
        Assert.Equal(_digests[6], IndexContent.Digest(good));
    }

    [Fact]
    public void Commit_AfterADamagedCommit_KeepsItsBytesForInspection()
    {
        byte[] bytes = [.. _good];
        bytes[BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(bytes.Length - 64 + 32))] ^= 1; // the last record's first byte
        File.WriteAllBytes(_path, bytes);
        using var store = new FileIndexStore(_path);
        using IndexCommitReader snapshot = store.Acquire();
        Assert.Equal(5, snapshot.CommitId);
        Assert.True(store.HasDamagedCommits);
        Assert.Equal(_digests[6], IndexContent.Commit(store, seed: 99));
        Assert.False(store.HasDamagedCommits);
        Assert.Equal(bytes.AsSpan(IndexFormat.DataStart), File.ReadAllBytes(_path).AsSpan(IndexFormat.DataStart, bytes.Length - IndexFormat.DataStart));
    }

    [Fact]
    public void SetAside_DamagedFile_MakesRoomForANewOne()
    {
        File.WriteAllBytes(_path, new byte[5000]);
        Assert.Equal("ERR_INDEX_CORRUPT: index 'a.coach' is not a Coach index file. Restore it from a copy, or delete it and index the sources again.",
            Assert.Throws<RagException>(() => new FileIndexStore(_path)).Message);
        string aside = FileIndexStore.SetAside(_path);
        Assert.Equal(5000, new FileInfo(aside).Length);
        using var store = new FileIndexStore(_path);
        Assert.Equal(_digests[1], IndexContent.Commit(store, seed: 99));
    }

    [Fact]
    public void Open_AnotherVersion_NamesBoth()
    {
        byte[] bytes = [.. _good];
        bytes[8] = 9;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(60), Crc32C.Compute(bytes.AsSpan(0, 60)));
        File.WriteAllBytes(_path, bytes);
        Assert.Contains("has format version 9; this version of Coach.Rag reads version 3", Assert.Throws<RagException>(() => new FileIndexStore(_path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DocumentThatImitatesACommit_IsNotOne()
    {
        // A commit of another index, stored as text, then a crash right behind it: the id of the file tells them apart.
        string other = _folder.File("b.coach");
        using (var store = new FileIndexStore(other))
        {
            store.Commit(new IndexChange { Manifest = [1, 2, 3] }, default);
            store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, _good)] }, default);
        }

        byte[] bytes = File.ReadAllBytes(other);
        int end = bytes.AsSpan().LastIndexOf(_good.AsSpan(_good.Length - 64)) + 64;
        File.WriteAllBytes(other, bytes.AsSpan(0, end));
        using var reopened = new FileIndexStore(other);
        using IndexCommitReader snapshot = reopened.Acquire();
        Assert.Equal((1, 0), (snapshot.CommitId, snapshot.Segments.Count));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Open_RecordMadeUpWithRightChecksums_NeverReadsOutsideTheFileOrAllocatesMuch(int seed)
    {
        var random = new Random(seed);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = [.. _good];
            int trailer = bytes.Length - 64;
            int record = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(trailer + 32));
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(trailer + 40));
            int field = record + (8 * random.Next(length / 8));
            long value = random.Next(4) switch { 0 => long.MaxValue, 1 => -1, 2 => random.NextInt64(), _ => random.Next(bytes.Length * 2) };
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(field), value);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(trailer + 44), Crc32C.Compute(bytes.AsSpan(record, length)));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(trailer + 60), Crc32C.Compute(bytes.AsSpan(trailer, 60)));
            File.WriteAllBytes(_path, bytes);
            try
            {
                using var store = new FileIndexStore(_path);
                using IndexCommitReader snapshot = store.Acquire();
                IndexContent.Digest(snapshot);
            }
            catch (RagException exception)
            {
                Assert.Equal(RagError.IndexCorrupt, exception.Error);
            }
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 300L * ((8L * _good.Length) + (4 << 20)));
    }

    [Fact]
    public void Crc32C_KnownInput_IsTheStandardsValue()
    {
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32])); // RFC 3720 B.4
    }

    private long CheckIsErrorOrCommit()
    {
        try
        {
            using var store = new FileIndexStore(_path);
            using IndexCommitReader snapshot = store.Acquire();
            Assert.Equal(_digests[snapshot.CommitId], IndexContent.Digest(snapshot));
            return snapshot.CommitId;
        }
        catch (RagException exception)
        {
            Assert.Equal("ERR_INDEX_CORRUPT", exception.Code);
            return 0;
        }
    }
}
