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

        RagIndex index = host.Get<RagIndex>();
        using IndexSnapshot snapshot = index.Store.Acquire();
        IndexView view = index.ViewOf(snapshot);
        Assert.Equal(texts.Count, view.LivePassages);
        var pruned = new ScoredRow[20];
        var all = new ScoredRow[20];
        var terms = new QueryTerms();
        var scratch = new LexicalScratch();
        for (int q = 0; q < 60; q++)
        {
            string[] words = [.. Enumerable.Range(0, random.Next(1, 16)).Select(_ => $"w{(int)(400 * Math.Pow(random.NextDouble(), 2))}")];
            terms.Read(string.Join(' ', words));
            terms.Weigh(view);
            int n = LexicalSearch.Run(view, terms, index.Options, 20, null, scratch, pruned);
            int m = LexicalSearch.Run(view, terms, index.Options, 20, null, scratch, all, prune: false);
            Assert.Equal(m, n);
            var bm25 = new Bm25(index.Options.Bm25K1, index.Options.Bm25B, view.AverageLength);
            for (int i = 0; i < n; i++)
            {
                Assert.Equal(all[i].Score, pruned[i].Score, 1e-4);
                (SegmentReader reader, _) = view.Segments[pruned[i].Segment];
                string[] text = texts[reader.Document(reader.DocumentOf(pruned[i].Local)).Id];
                double expected = 0;
                foreach (ref readonly QueryTerm term in terms.Terms)
                {
                    string name = System.Text.Encoding.UTF8.GetString(term.Bytes.Span);
                    int frequency = text.Count(word => word == name);
                    expected += frequency == 0 ? 0 : term.Weight * bm25.Weight(frequency, text.Length);
                }

                Assert.Equal(expected, pruned[i].Score, 1e-3);
            }
        }
    }
}
