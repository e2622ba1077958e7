using Coach.Rag.Indexing;
using Coach.Rag.Lexical;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Testing;

namespace Coach.Rag.Tests.Lexical;

public sealed class LexicalSearchTests
{
    /// <summary>Pruned search, exhaustive search and the formula written out give the same ranking, whatever segments and deletions there are.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Run_RandomCollections_EqualsTheFormula(int seed)
    {
        var random = new Random(seed);
        await using var host = new RagHost(configure: o => o.Learn = false);
        var texts = new Dictionary<string, string[]>();
        for (int batch = 0; batch < 4; batch++)
        {
            var documents = new List<KnowledgeDocument>();
            for (int i = 0; i < 3000; i++)
            {
                string id = $"d{random.Next(9000)}";
                string[] words = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => $"w{(int)(400 * Math.Pow(random.NextDouble(), 3))}")];
                texts[id] = words;
                documents.RemoveAll(document => document.Id == id);
                documents.Add(new KnowledgeDocument(id, string.Join(' ', words)) { IsOnePassage = true });
            }

            await host.Knowledge.AddOrUpdateAsync(documents);
        }

        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexReader reader = index.SearcherOf(snapshot).Reader;
        Assert.Equal(texts.Count, reader.LivePassages);
        var pruned = new ScoreDoc[20];
        var all = new ScoreDoc[20];
        var request = new LexicalRequest(index.Options.Bm25K1, index.Options.Bm25B, Limit: 20);
        var terms = new WeightedQuery();
        var buffers = new LexicalBuffers();
        for (int q = 0; q < 60; q++)
        {
            string[] words = [.. Enumerable.Range(0, random.Next(1, 16)).Select(_ => $"w{(int)(400 * Math.Pow(random.NextDouble(), 2))}")];
            terms.Read(string.Join(' ', words));
            terms.Weigh(reader);
            int n = LexicalSearch.Run(reader, terms, request, buffers, pruned);
            int m = LexicalSearch.Run(reader, terms, request with { Prune = false }, buffers, all);
            Assert.Equal(m, n);
            var bm25 = new Bm25(index.Options.Bm25K1, index.Options.Bm25B, reader.AverageLength);
            for (int i = 0; i < n; i++)
            {
                Assert.Equal(all[i].Score, pruned[i].Score, 1e-4);
                SegmentReader segment = reader.Segments[pruned[i].Segment].Reader;
                string[] text = texts[segment.Document(segment.DocumentOf(pruned[i].Local)).Id];
                double expected = 0;
                foreach (ref readonly WeightedTerm term in terms.Terms)
                {
                    string name = System.Text.Encoding.UTF8.GetString(term.Bytes.Span);
                    int frequency = text.Count(word => word == name);
                    expected += frequency == 0 ? 0 : term.Weight * bm25.Weight(frequency, text.Length);
                }

                Assert.Equal(expected, pruned[i].Score, 1e-3);
            }
        }
    }

    [Fact]
    public async Task Run_ManyQuestions_AllocatesLessThanFourKibibytesEach()
    {
        await using var host = await FilledAsync(5000);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexReader reader = index.SearcherOf(snapshot).Reader;
        var rows = new ScoreDoc[10];
        var request = new LexicalRequest(index.Options.Bm25K1, index.Options.Bm25B, Limit: 10);
        var terms = new WeightedQuery();
        var buffers = new LexicalBuffers();

        // The least of many: what the runtime allocates beside it on a busy machine is not the search's.
        long least = long.MaxValue;
        for (int q = 0; q < 300; q++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            terms.Read("w1 w2 w3 w5 w8 w13 w21 w34 w55 w89 w144 w233 w377 missing words");
            terms.Weigh(reader);
            int found = LexicalSearch.Run(reader, terms, request, buffers, rows);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(10, found);
        }

        Assert.InRange(least, 0, 4096);
    }

    [Fact]
    public async Task RetrieveAsync_LocalTier_AllocatesLessThanFourKibibytesBesideItsResult()
    {
        await using var host = await FilledAsync(500, learn: true);
        Assert.True(await host.Knowledge.LearnAsync());
        var options = new RetrievalOptions { Top = 1 };
        long least = long.MaxValue;
        for (int q = 0; q < 300; q++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Task<Retrieval> asked = host.Retriever.RetrieveAsync("w1 w2 w3 w5 w8 w13 w21 w34 w55 w89 w144 w233 w377 missing words", options);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(asked.IsCompletedSuccessfully);     // all on this thread
            Retrieval retrieval = await asked;
            Assert.Equal(RagTier.Local, retrieval.Tier);
            least = Math.Min(least, allocated - (retrieval.Passages[0].Text.Length * sizeof(char)));
        }

        Assert.InRange(least, 0, 4096);
    }

    [Fact]
    public async Task RetrieveAsync_WholeTextsAsQuestions_FindThemFirst()
    {
        var random = new Random(4);
        string[] texts = [.. Enumerable.Range(0, 300).Select(_ => string.Join(' ', Enumerable.Range(0, 400).Select(_ => $"w{(int)(5000 * Math.Pow(random.NextDouble(), 2))}")))];
        await using var host = new RagHost(time: new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(texts.Select((text, i) => new KnowledgeDocument($"d{i}", text) { IsOnePassage = true }));
        Assert.True(await host.Knowledge.LearnAsync());
        foreach (RagTier tier in new[] { RagTier.Lexical, RagTier.Local })
        {
            for (int i = 0; i < 20; i++)
            {
                Retrieval retrieval = await host.Retriever.RetrieveAsync(texts[i], new RetrievalOptions { BestTier = tier, Top = 100 });
                Assert.Equal((tier, $"d{i}"), (retrieval.Tier, retrieval.Passages[0].DocumentId));
            }
        }
    }

    [Fact]
    public async Task Coverage_RowOfSomeTerms_IsTheirShareOfTheWeight()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", "apple pear"), new("b", "apple plum"), new("c", "cherry")]);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexReader reader = index.SearcherOf(snapshot).Reader;
        var terms = new WeightedQuery();
        var buffers = new LexicalBuffers();
        terms.Read("apple plum cherry unknown");
        terms.Weigh(reader);
        float apple = Bm25.Idf(3, 2);
        float rare = Bm25.Idf(3, 1);
        Assert.Equal((apple + rare) / (apple + (2 * rare)), LexicalSearch.Coverage(reader, terms, ScoreDoc.Key(0, 1), buffers), 1e-5f);
        Assert.Equal(rare / (apple + (2 * rare)), LexicalSearch.Coverage(reader, terms, ScoreDoc.Key(0, 2), buffers), 1e-5f);
        terms.Read("unknown");
        terms.Weigh(reader);
        Assert.Equal(0, LexicalSearch.Coverage(reader, terms, ScoreDoc.Key(0, 0), buffers));
    }

    private static async Task<RagHost> FilledAsync(int documents, bool learn = false)
    {
        var random = new Random(9);
        var host = new RagHost(configure: o => o.Learn = learn, time: new VirtualClock());
        string Text() => string.Join(' ', Enumerable.Range(0, 40).Select(_ => $"w{(int)(400 * Math.Pow(random.NextDouble(), 2))}"));
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, documents).Select(i => new KnowledgeDocument($"d{i}", Text()) { IsOnePassage = true }));
        return host;
    }
}
