namespace Coach.Rag.Tests.Search;

/// <summary>Equal texts count once, with all their sources.</summary>
public sealed class EqualPassagesTests
{
    private const string Text = "The ferry leaves at noon from pier seven.";

    [Theory]
    [InlineData(6)]
    [InlineData(60)]
    public async Task RetrieveAsync_ManyCopiesOfOneText_ListsItOnceAndTheOtherOneBehindIt(int copies)
    {
        await using var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(
            Enumerable.Range(0, copies).Select(i => new KnowledgeDocument($"copy{i}", Text))
                .Append(new KnowledgeDocument("other", "The ferry stays in the harbour when the wind is strong, and nobody leaves.")));
        Retrieval retrieval = await host.Retriever.RetrieveAsync("When does the ferry leave?");
        Assert.Equal(2, retrieval.Passages.Count);
        Assert.Equal(Text, retrieval.Passages[0].Text);
        Assert.Equal("other", retrieval.Passages[1].DocumentId);
        Assert.Equal(
            Enumerable.Range(0, copies).Select(i => $"copy{i}").Order(),
            retrieval.Passages[0].AlsoIn.Select(also => also.DocumentId).Append(retrieval.Passages[0].DocumentId).Order());
        Assert.All(retrieval.Passages[0].AlsoIn, also => Assert.Equal((0, Text.Length), (also.Start, also.Length)));
        Assert.Empty(retrieval.Passages[1].AlsoIn);
    }

    [Fact]
    public async Task RetrieveAsync_CopiesBehindTheLastPassage_AreListed()
    {
        await using var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", Text), new("b", Text), new("c", Text)]);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("ferry", new RetrievalOptions { Top = 1 });
        Assert.Single(retrieval.Passages);
        Assert.NotEmpty(retrieval.Passages[0].AlsoIn);
    }

    [Fact]
    public async Task EvaluateAsync_ARelevantCopy_CountsThoughItsTextIsListedOnce()
    {
        await using var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", Text), new("b", Text)]);
        RetrievalEvaluation figures = await new RetrievalEvaluator(host.Retriever).EvaluateAsync(
            [new EvaluationQuery("1", "ferry", new Dictionary<string, int> { ["a"] = 1, ["b"] = 1 })], RagTier.Lexical);
        Assert.Equal(1, figures.Recall100);
    }
}
