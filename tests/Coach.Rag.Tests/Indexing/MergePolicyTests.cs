using Coach.Rag.Indexing;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Indexing;

public sealed class MergePolicyTests
{
    [Fact]
    public async Task Choose_FewSegmentsWithoutDeletedRows_LeavesThemAlone()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await AddAsync(host, documents: 3, times: 6);
        Assert.Empty(Choose(host));
    }

    [Fact]
    public async Task Choose_MoreThanHalfOfASegmentIsDeleted_TakesItAlone()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await AddAsync(host, documents: 10, times: 2);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader before = index.Acquire();
        byte[] deleted = FixedBitSet.Empty(10);
        FixedBitSet.AddRange(deleted, 0, 6);
        index.Store.Commit(new IndexChange { DeletedRows = new Dictionary<long, byte[]> { [before.Segments[1].Id] = deleted } }, CancellationToken.None);
        Assert.Equal([1], Choose(host));
    }

    [Fact]
    public async Task Choose_ManySmallSegmentsOfLikeSize_TakesThemAllAndNotTheLargeOne()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await AddAsync(host, documents: 500, times: 1);
        IndexManager index = host.Get<IndexManager>();
        using IndexWriteLease lease = index.Store.LockForWriting(CancellationToken.None);
        for (int i = 0; i < 7; i++)
        {
            var builder = new SegmentBuilder(1.2f, 0.75f);
            var entry = new DocumentEntry("", $"small{i}", (UInt128)i) { Source = "", Version = "", Title = "", Metadata = new Dictionary<string, string>() };
            builder.Add(entry, new Coach.Rag.StructuredText("word", "", []), [new Coach.Rag.Documents.Chunk(0, 4, "")]);
            index.Store.Commit(new IndexChange { Add = [builder.Build()] }, lease, CancellationToken.None);
        }

        Assert.Equal([1, 2, 3, 4, 5, 6, 7], Choose(host));
    }

    private static IReadOnlyList<int> Choose(RagHost host)
    {
        using IndexCommitReader commit = host.Get<IndexManager>().Acquire();
        return MergePolicy.Choose(new IndexReader(commit), new Dictionary<long, SortedDictionary<string, VectorSegment>>());
    }

    private static async Task AddAsync(RagHost host, int documents, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, documents).Select(d => new KnowledgeDocument($"{i}-{d}", $"Text {d} of {i}.")));
        }
    }
}
