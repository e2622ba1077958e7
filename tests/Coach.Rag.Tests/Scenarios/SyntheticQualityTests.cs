using Coach.Testing;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>The promises of the fusion on collections made by rule: they hold where no data is, too.</summary>
public sealed class SyntheticQualityTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Local_TopicsWithTwoSpellings_FindsMoreThanWordsDo(int seed)
    {
        (RetrievalEvaluation lexical, RetrievalEvaluation local) = await LocalAsync(SyntheticCollection.Topics(seed));
        Assert.True(local.Ndcg10 >= lexical.Ndcg10, $"seed {seed}: {local.Ndcg10:0.0000} against {lexical.Ndcg10:0.0000}");
        Assert.True(local.Recall100 >= lexical.Recall100 + 0.02, $"seed {seed}: {local.Recall100:0.0000} against {lexical.Recall100:0.0000}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Local_NothingToLearn_StaysWithinFiveThousandthsOfWords(int seed)
    {
        (RetrievalEvaluation lexical, RetrievalEvaluation local) = await LocalAsync(SyntheticCollection.Noise(seed));
        Assert.True(local.Ndcg10 >= lexical.Ndcg10 - 0.005, $"seed {seed}: {local.Ndcg10:0.0000} against {lexical.Ndcg10:0.0000}");
    }

    [Theory]
    [InlineData("random")]
    [InlineData("constant")]
    [InlineData("lengths")]
    [InlineData("letters")]
    [InlineData("nearly constant")]
    public async Task Hybrid_UselessEmbedder_StaysWithinFiveThousandthsOfTheKeylessTier(string kind)
    {
        SyntheticCollection collection = SyntheticCollection.Topics(1);
        var embedder = new PlantedEmbeddings(text => kind switch
        {
            "random" => PlantedEmbeddings.Noise(text, 32),
            "constant" => [.. Enumerable.Repeat(1f, 32)],
            "letters" => [.. Enumerable.Range('a', 26).Select(letter => (float)text.Count(c => c == letter))],
            "nearly constant" => [.. PlantedEmbeddings.Noise(text, 32).Select(value => 1 + (value / 3))],
            _ => [1, text.Length, text.Length % 7, text.Length % 5],
        });
        (double lexical, double hybrid) = await HybridAsync(collection, embedder, kind == "constant" ? RagTier.Lexical : RagTier.Hybrid);
        Assert.True(hybrid >= lexical - 0.005, $"{kind}: {hybrid:0.0000} against {lexical:0.0000}");
    }

    [Theory]
    [InlineData(0.35f)]
    [InlineData(0.5f)]
    [InlineData(0.8f)]
    public async Task Hybrid_StrongEmbedder_IsFarAboveWordsAndNearItsOwnRanking(float strength)
    {
        SyntheticCollection collection = SyntheticCollection.Topics(2);
        PlantedEmbeddings embedder = collection.Planted(96, strength);
        double dense = collection.DenseNdcg(embedder);
        (double lexical, double hybrid) = await HybridAsync(collection, embedder);
        Assert.True(dense > lexical, $"the planted arm is not strong: {dense:0.0000} against {lexical:0.0000}");
        Assert.True(hybrid >= dense - 0.05 && hybrid >= lexical + 0.05, $"hybrid {hybrid:0.0000}, lexical {lexical:0.0000}, dense {dense:0.0000}");
    }

    private static async Task<(RetrievalEvaluation Lexical, RetrievalEvaluation Local)> LocalAsync(SyntheticCollection collection)
    {
        await using var host = new RagHost(time: new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        Assert.True(await host.Knowledge.LearnAsync());
        var evaluator = new RetrievalEvaluator(host.Retriever);
        return (await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical), await evaluator.EvaluateAsync(collection.Queries, RagTier.Local));
    }

    private static async Task<(double Lexical, double Hybrid)> HybridAsync(SyntheticCollection collection, PlantedEmbeddings embedder,
        RagTier tier = RagTier.Hybrid)
    {
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        var evaluator = new RetrievalEvaluator(host.Retriever);
        double lexical = (await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical)).Ndcg10;
        RetrievalEvaluation hybrid = await evaluator.EvaluateAsync(collection.Queries);
        Assert.All(hybrid.Queries, query => Assert.Equal(tier, query.Tier));
        return (lexical, hybrid.Ndcg10);
    }
}
