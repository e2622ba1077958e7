using Coach.Testing;

namespace Coach.Rag.Tests.Indexing;

/// <summary>Vectors that were paid for stay.</summary>
public sealed class PassageEmbedderTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EmbedAsync_ProviderFailsOnTheWay_KeepsWhatItAnswered(bool isCancelled)
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await AddAsync(file, null, 0, 300);
        var clock = new VirtualClock();
        PlantedEmbeddings embedder = Embedder();
        using var cancel = new CancellationTokenSource();
        embedder.Fault = async (texts, _) =>
        {
            if (embedder.Calls > 12)
            {
                if (isCancelled)
                {
                    await cancel.CancelAsync();
                }

                throw new HttpRequestException("quota");
            }

            return new(texts.Select(text => new Microsoft.Extensions.AI.Embedding<float>(embedder.Of(text))));
        };
        await using (RagHost host = Host(file, embedder, clock))
        {
            Task embedding = host.Knowledge.EmbedAsync(cancellationToken: cancel.Token);
            await clock.RunUntilAsync(embedding.ContinueWith(_ => { }, TestContext.Current.CancellationToken), TimeSpan.FromMinutes(10));
            Assert.True(embedding.IsFaulted || embedding.IsCanceled);
            Retrieval partly = await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal((DegradationReason.NotReady, "120 of 300 passages have vectors so far."), (partly.Degradation!.Reason, partly.Degradation.Message));

            // Merging and changing what is half done loses nothing of it.
            embedder.Fault = null;
            await host.Knowledge.RemoveAsync(["d1", "d299"], TestContext.Current.CancellationToken);
            Assert.Equal(179, await host.Knowledge.EmbedAsync(cancellationToken: TestContext.Current.CancellationToken));
            Assert.Equal(0, await host.Knowledge.EmbedAsync(cancellationToken: TestContext.Current.CancellationToken));
        }

        await using RagHost reopened = Host(file, embedder, null);
        Retrieval retrieval = await reopened.Retriever.RetrieveAsync("entry 7 about cats", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((RagTier.Hybrid, "d7"), (retrieval.Tier, retrieval.Passages[0].DocumentId));
    }

    [Fact]
    public async Task EmbedAsync_OtherPrefixes_EmbedsAnewWithoutBeingAsked()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        int[] embedded = [await RunAsync("", ""), await RunAsync("", ""), await RunAsync("query: ", "passage: "), await RunAsync("query: ", "passage: ")];
        Assert.Equal([2, 0, 2, 0], embedded);

        async Task<int> RunAsync(string query, string document)
        {
            var asked = new List<string>();
            var embedder = new PlantedEmbeddings(text =>
            {
                lock (asked)
                {
                    asked.Add(text);
                }

                return PlantedEmbeddings.Hashed(text, 8);
            });
            await using var host = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => (o.Learn, o.QueryPrefix, o.DocumentPrefix) = (false, query, document));
            IngestReport report = await host.Knowledge.AddOrUpdateAsync([new("a", "The wombat digs."), new("b", "The quokka smiles.")], cancellationToken: TestContext.Current.CancellationToken);
            Assert.Null(report.EmbeddingFailure);
            string[] passages = [.. asked];
            Assert.All(passages, text => Assert.StartsWith(document, text, StringComparison.Ordinal));
            Retrieval found = await host.Retriever.RetrieveAsync("wombat", cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(RagTier.Hybrid, found.Tier);
            Assert.Equal(query + "wombat", asked[^1]);
            return passages.Length;
        }
    }

    [Fact]
    public async Task AddOrUpdateAsync_WithoutTheEmbedder_MergingKeepsItsVectors()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        PlantedEmbeddings embedder = Embedder();
        for (int i = 0; i < 5; i++)
        {
            await AddAsync(file, embedder, i * 20, 20);
        }

        for (int i = 5; i < 14; i++)
        {
            await AddAsync(file, null, i * 20, 20);
        }

        int before = embedder.Texts;
        await using RagHost host = Host(file, embedder, null);
        Assert.Equal(180, await host.Knowledge.EmbedAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(180, embedder.Texts - before);
        for (int i = 14; i < 24; i++)
        {
            await host.Knowledge.AddOrUpdateAsync(Documents(i * 20, 20), cancellationToken: TestContext.Current.CancellationToken);
        }

        Assert.Equal(380, embedder.Texts - before);
        Assert.Equal(RagTier.Hybrid, host.Retriever.Tier);
        Assert.InRange(host.Get<IKnowledgeBase>().PassageCount, 480, 480);
    }

    private static PlantedEmbeddings Embedder() => new(text => PlantedEmbeddings.Hashed(text, 8));

    private static IEnumerable<KnowledgeDocument> Documents(int from, int count) =>
        Enumerable.Range(from, count).Select(i => new KnowledgeDocument($"d{i}", $"Entry {i} about cats."));

    private static RagHost Host(string file, PlantedEmbeddings? embedder, TimeProvider? time) => new(
        rag => (embedder is null ? rag : rag.UseEmbeddings(embedder)).UseIndexFile(file),
        o => (o.Learn, o.EmbeddingBatchSize, o.EmbeddingParallelism) = (false, 10, 1), time);

    private static async Task AddAsync(string file, PlantedEmbeddings? embedder, int from, int count)
    {
        await using RagHost host = Host(file, embedder, null);
        await host.Knowledge.AddOrUpdateAsync(Documents(from, count));
    }
}
