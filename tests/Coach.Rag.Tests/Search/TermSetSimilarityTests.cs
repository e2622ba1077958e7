using Coach.Rag.Search;

namespace Coach.Rag.Tests.Search;

public sealed class TermSetSimilarityTests
{
    /// <summary>The running likeness is the largest cosine to any chosen text.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Choose_OneAfterAnother_KeepsTheLargestCosine(int seed)
    {
        var random = new Random(seed);
        string[] texts = [.. Enumerable.Range(0, 40).Select(i => string.Join(' ', Enumerable.Range(0, random.Next(0, 12)).Select(_ => "word" + random.Next(30))))];
        HashSet<string>[] sets = [.. texts.Select(TermSet.Of)];
        var likeness = new TermSetSimilarity(texts);
        Assert.All(Enumerable.Range(0, texts.Length), i => Assert.Equal(0, likeness[i]));
        var chosen = new List<int>();
        for (int n = 0; n < 10; n++)
        {
            chosen.Add(random.Next(texts.Length));
            likeness.Choose(chosen[^1]);
            for (int i = 0; i < texts.Length; i++)
            {
                double expected = chosen.Max(c => sets[i].Count == 0 || sets[c].Count == 0 ? 0 : sets[i].Count(sets[c].Contains) / Math.Sqrt((double)sets[i].Count * sets[c].Count));
                Assert.Equal(expected, likeness[i], 12);
            }
        }
    }

    [Fact]
    public async Task RetrieveAsync_ManyDiversePassages_AreAllDifferentAndAllReturned()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 700).Select(i => new KnowledgeDocument("d" + i,
            $"Document number {i} speaks about topic{i} and the engine part{i % 7} of machine{i % 5}. The valve and pump{i % 3} are described.")));
        Retrieval diverse = await host.Retriever.RetrieveAsync("document engine valve", new RetrievalOptions { Top = 350, Diversity = 0.5 });
        Assert.Equal(350, diverse.Passages.Select(passage => passage.DocumentId).Distinct().Count());
    }
}
