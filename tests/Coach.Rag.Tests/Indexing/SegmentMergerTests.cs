using Coach.Rag.Indexing;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Indexing;

public sealed class SegmentMergerTests
{
    [Fact]
    public async Task AddOrUpdateAsync_ManySmallChanges_KeepFewSegmentsAndEveryDocument()
    {
        await using var host = new RagHost();
        for (int i = 0; i < 60; i++)
        {
            await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument($"d{i % 50}", $"Text number {i} about thing{i}.")]);
        }

        await host.Knowledge.LearnAsync();
        await host.Get<KnowledgeBase>().Merges.IdleAsync(TestContext.Current.CancellationToken);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        Assert.True(index.SearcherOf(snapshot).Segments.Count <= 12);
        Assert.Equal(50, host.Knowledge.DocumentCount);
        for (int i = 10; i < 60; i++)
        {
            Assert.Equal($"d{i % 50}", (await host.Retriever.RetrieveAsync($"thing{i}", new RetrievalOptions { BestTier = RagTier.Lexical })).Passages[0].DocumentId);
        }
    }

    [Fact]
    public async Task TryPublish_DeletedWhileItWasMade_IsDeletedInTheNewSegment()
    {
        await using RagHost host = await HostAsync(segments: 3);
        IndexManager index = host.Get<IndexManager>();
        using (IndexCommitReader before = index.Store.Acquire())
        using (var merger = new SegmentMerger(index, before, [0, 1, 2], long.MaxValue))
        {
            Assert.True(merger.Build(Token));
            await host.Knowledge.RemoveAsync(["1-2"], Token);
            await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("2-3", "The replaced one speaks of a windmill.")], cancellationToken: Token);
            using IndexWriteLease lease = index.Store.LockForWriting(Token);
            Assert.True(merger.TryPublish(lease, Token));
            Assert.False(merger.Build(Token));
        }

        Assert.Equal(14, host.Knowledge.DocumentCount);
        Assert.Empty(await FindAsync(host, "thing1x2"));
        Assert.Empty(await FindAsync(host, "thing2x3"));
        Assert.Equal(["2-3"], await FindAsync(host, "windmill"));
        Assert.Equal(["0-4"], await FindAsync(host, "thing0x4"));
        using IndexCommitReader after = index.Store.Acquire();
        Assert.Equal(2, index.SearcherOf(after).Segments.Count);
    }

    [Fact]
    public async Task TryPublish_AllDeletedWhileItWasMade_NothingComesBack()
    {
        await using RagHost host = await HostAsync(segments: 2);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader before = index.Store.Acquire();
        using var merger = new SegmentMerger(index, before, [0, 1], long.MaxValue);
        Assert.True(merger.Build(Token));
        await host.Knowledge.RemoveAsync(Enumerable.Range(0, 10).Select(i => $"{i / 5}-{i % 5}"), Token);
        using IndexWriteLease lease = index.Store.LockForWriting(Token);
        Assert.True(merger.TryPublish(lease, Token));
        Assert.Equal(0, host.Knowledge.DocumentCount);
    }

    [Fact]
    public async Task Build_SmallSlices_EachDocumentIsThereOnceAfterEachOfThem()
    {
        await using RagHost host = await HostAsync(segments: 3);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader before = index.Store.Acquire();
        using var merger = new SegmentMerger(index, before, [0, 1, 2], sliceBytes: 1);
        int slices = 0;
        for (; merger.Build(Token); slices++)
        {
            using (IndexWriteLease lease = index.Store.LockForWriting(Token))
            {
                Assert.True(merger.TryPublish(lease, Token));
            }

            Assert.Equal(15, host.Knowledge.DocumentCount);
            for (int i = 0; i < 15; i++)
            {
                Assert.Equal([$"{i / 5}-{i % 5}"], await FindAsync(host, $"thing{i / 5}x{i % 5}"));
            }
        }

        Assert.InRange(slices, 15, 16);
    }

    [Fact]
    public async Task TryPublish_ASegmentWasRewrittenMeanwhile_IsGivenUp()
    {
        await using RagHost host = await HostAsync(segments: 3);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader before = index.Store.Acquire();
        using var first = new SegmentMerger(index, before, [0, 1], long.MaxValue);
        using var second = new SegmentMerger(index, before, [1, 2], long.MaxValue);
        Assert.True(first.Build(Token) && second.Build(Token));
        using IndexWriteLease lease = index.Store.LockForWriting(Token);
        Assert.True(first.TryPublish(lease, Token));
        Assert.False(second.TryPublish(lease, Token));
        Assert.Equal(15, host.Knowledge.DocumentCount);
    }

    [Fact]
    public async Task TryPublish_VectorsCameMeanwhile_IsGivenUp()
    {
        await using RagHost host = await HostAsync(segments: 2);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader before = index.Store.Acquire();
        using var merger = new SegmentMerger(index, before, [0, 1], long.MaxValue);
        Assert.True(merger.Build(Token));
        var vectors = new VectorBuilder(4);
        for (int row = 0; row < 5; row++)
        {
            vectors.Add([1, 0, 0, row]);
        }

        SegmentPayload paidFor = new SegmentPayload().Add(SectionKind.DenseExtra, VectorOwner.Write(before.Segments[0].Id, "planted"));
        vectors.AddTo(paidFor);
        using IndexWriteLease lease = index.Store.LockForWriting(Token);
        index.Store.Commit(new IndexChange { Add = [paidFor] }, lease, Token);
        Assert.False(merger.TryPublish(lease, Token));

        // The next one takes them along.
        using IndexCommitReader now = index.Store.Acquire();
        using var next = new SegmentMerger(index, now, [0], long.MaxValue);
        Assert.True(next.Build(Token) && next.TryPublish(lease, Token));
        using IndexCommitReader after = index.Store.Acquire();
        IndexSegment moved = Assert.Single(after.Segments, segment => VectorOwner.TryRead(segment, out _, out _));
        Assert.True(VectorOwner.TryRead(moved, out long text, out string identity));
        Assert.Equal("planted", identity);
        Assert.Contains(after.Segments, segment => segment.Id == text && SegmentReader.HoldsPassages(segment));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<RagHost> HostAsync(int segments)
    {
        var host = new RagHost(configure: options => options.Learn = false);
        await host.Get<KnowledgeBase>().Merges.DisposeAsync();      // what is merged is the test's to say
        for (int s = 0; s < segments; s++)
        {
            await host.Knowledge.AddOrUpdateAsync(
                Enumerable.Range(0, 5).Select(d => new KnowledgeDocument($"{s}-{d}", $"Here stands thing{s}x{d} and nothing else.")), cancellationToken: Token);
        }

        return host;
    }

    private static async Task<string[]> FindAsync(RagHost host, string question) =>
        [.. (await host.Retriever.RetrieveAsync(question, new RetrievalOptions { BestTier = RagTier.Lexical }, Token)).Passages.Select(passage => passage.DocumentId)];
}
