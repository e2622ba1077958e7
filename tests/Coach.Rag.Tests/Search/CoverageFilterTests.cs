namespace Coach.Rag.Tests.Search;

/// <summary>No passages rather than irrelevant ones; all that are asked for otherwise.</summary>
public sealed class CoverageFilterTests
{
    private static readonly KnowledgeDocument[] Library =
    [
        new("hours", "The library opens at nine and closes at six. Ask at the desk for the reading room."),
        new("fines", "A late book costs ten cents a day. The fine is paid at the desk when the book comes back."),
        new("cards", "A library card is free for children. Bring a letter with your address to the desk."),
    ];

    [Theory]
    [InlineData("When does the library open?", true)]
    [InlineData("How much is the fine for a late book?", true)]
    [InlineData("late book", true)]
    [InlineData("desk", true)]
    [InlineData("What is the boiling temperature of liquid nitrogen?", false)]
    [InlineData("Which day did Napoleon lose Waterloo?", false)]
    [InlineData("Who are you?", false)]
    [InlineData("???", false)]
    public async Task RetrieveAsync_QuestionOnOrOffTopic_FindsPassagesOrNone(string question, bool isFound)
    {
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync(Library);
        foreach (int top in new[] { 1, 3, 100 })
        {
            Retrieval retrieval = await host.Retriever.RetrieveAsync(question, new RetrievalOptions { Top = top });
            Assert.Equal(isFound, retrieval.Passages.Count > 0);
            Assert.Equal(RagTier.Lexical, retrieval.Tier);
        }
    }

    [Fact]
    public async Task RetrieveAsync_MinCoverageZero_TakesWhatIsBest()
    {
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync(Library);
        const string Question = "Which day did Napoleon lose Waterloo?";
        Assert.NotEmpty((await host.Retriever.RetrieveAsync(Question, new RetrievalOptions { MinCoverage = 0 })).Passages);
        Assert.Empty((await host.Retriever.RetrieveAsync(Question, new RetrievalOptions { MinCoverage = 1 })).Passages);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => host.Retriever.RetrieveAsync(Question, new RetrievalOptions { MinCoverage = 1.1 }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    public async Task RetrieveAsync_OneSourceFillsAllCandidates_OthersStillGetTheirPlace(double diversity)
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 600).Select(i => new KnowledgeDocument($"d{i}", i < 590 ? $"tea tea tea {i}" : $"tea and much else beside it {i}")
        {
            Source = i < 590 ? "large" : $"small{i}",
        }));
        Retrieval retrieval = await host.Retriever.RetrieveAsync("tea", new RetrievalOptions { Top = 6, MaxPerSource = 1, Diversity = diversity });
        Assert.Equal(6, retrieval.Passages.Count);
        Assert.Equal(6, retrieval.Passages.Select(passage => passage.Source).Distinct().Count());
        Assert.Equal("large", retrieval.Passages[0].Source);
    }

    [Fact]
    public async Task RetrieveAsync_MinScore_LeavesTheWeakerOnesOut()
    {
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync(Library);
        IReadOnlyList<Passage> all = (await host.Retriever.RetrieveAsync("late book at the library", new RetrievalOptions { MinScore = 0 })).Passages;
        double least = (all[0].Score + all[1].Score) / 2;
        IReadOnlyList<Passage> best = (await host.Retriever.RetrieveAsync("late book at the library", new RetrievalOptions { MinScore = least })).Passages;
        Assert.True(all.Count > 1 && all[1].Score < 1);
        Assert.Equal(all[0].DocumentId, Assert.Single(best).DocumentId);
        Assert.Equal(1, all[0].Score, 1e-6);
    }
}
