using Coach.Rag.Indexing;
using Coach.Rag.Store;

namespace Coach.Rag.Tests.Lsa;

public sealed class LsaTrainerTests
{
    [Fact]
    public async Task LearnAsync_Collection_FindsWhatSharesNoWord()
    {
        // "car" and "automobile" never meet, but both keep company with engines and roads.
        string[] company = ["engine", "road", "wheel", "driver", "fuel", "garage"];
        string[] other = ["flour", "oven", "butter", "sugar", "cake", "bread"];
        var random = new Random(1);
        List<KnowledgeDocument> documents = [];
        for (int i = 0; i < 120; i++)
        {
            string[] topic = i % 2 == 0 ? company : other;
            string name = i % 2 != 0 ? "bakery" : i % 4 == 0 ? "car" : "automobile";
            documents.Add(new KnowledgeDocument($"d{i}", $"{name} {string.Join(' ', Enumerable.Range(0, 6).Select(_ => topic[random.Next(6)]))} {name}") { IsOnePassage = true });
        }

        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync(documents);
        Assert.True(await host.Knowledge.LearnAsync());
        var retrieval = await host.Retriever.RetrieveAsync("automobile", new RetrievalOptions { Top = 60 });
        Assert.Contains(retrieval.Passages, passage => passage.Text.StartsWith("car ", StringComparison.Ordinal));

        // Folded in at once, without learning again.
        await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("new", "vehicle engine road wheel driver fuel") { IsOnePassage = true }]);
        retrieval = await host.Retriever.RetrieveAsync("automobile", new RetrievalOptions { Top = 100 });
        Assert.Contains(retrieval.Passages, passage => passage.DocumentId == "new");
    }

    /// <summary>The same input gives the same space, with one thread as with several at a time.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task LearnAsync_SameDocumentsAndThreads_GivesTheSameSpaceToTheByte(int threads) =>
        Assert.Equal(await LearnAsync(threads), await LearnAsync(threads));

    private static async Task<string> LearnAsync(int threads)
    {
        var random = new Random(11);
        await using var host = new RagHost(configure: o => o.LearnThreads = threads);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 700).Select(i => new KnowledgeDocument(
            $"d{i}", string.Join(' ', Enumerable.Range(0, 20).Select(_ => $"w{random.Next(300)}")))
        { IsOnePassage = true }));
        Assert.True(await host.Knowledge.LearnAsync());
        using IndexCommitReader commit = host.Get<IndexManager>().Acquire();
        IndexSection model = commit.Segments.SelectMany(segment => segment.Sections).Single(section => section.Kind == SectionKind.LatentModel);
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(model.Span));
    }
}
