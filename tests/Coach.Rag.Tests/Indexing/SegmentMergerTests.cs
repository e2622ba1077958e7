using Coach.Rag.Indexing;
using Coach.Rag.Store;

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
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        Assert.True(index.SearcherOf(snapshot).Segments.Count <= 12);
        Assert.Equal(50, host.Knowledge.DocumentCount);
        for (int i = 10; i < 60; i++)
        {
            Assert.Equal($"d{i % 50}", (await host.Retriever.RetrieveAsync($"thing{i}", new RetrievalOptions { BestTier = RagTier.Lexical })).Passages[0].DocumentId);
        }
    }
}
