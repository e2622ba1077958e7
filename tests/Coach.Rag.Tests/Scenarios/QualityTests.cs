using Coach.Testing;

namespace Coach.Rag.Tests.Scenarios;

public sealed class QualityTests(ITestOutputHelper output)
{
    [Fact]
    public void NdcgAndRecall_KnownRanking_EqualTrecEval()
    {
        var relevant = new Dictionary<string, int> { ["a"] = 3, ["b"] = 1, ["c"] = 2 };
        double expected = (1 + (3 / Math.Log2(3))) / (3 + (2 / Math.Log2(3)) + (1 / Math.Log2(4)));
        Assert.Equal(expected, RetrievalEvaluator.Ndcg(["b", "a", "x"], relevant, 10), 1e-12);
        Assert.Equal(2.0 / 3, RetrievalEvaluator.Recall(["b", "a", "x"], relevant, 100), 1e-12);
        Assert.Equal(0, RetrievalEvaluator.Ndcg([], relevant, 10));
    }

    [Fact]
    public async Task Cranfield_LexicalAndLocal_ReachTheirFigures()
    {
        BeirCollection collection = await TestData.LoadAsync("cranfield");
        await using var host = new RagHost(time: new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        Assert.Equal(1400, host.Knowledge.DocumentCount);
        Assert.True(await host.Knowledge.LearnAsync());
        var evaluator = new RetrievalEvaluator(host.Retriever);
        RetrievalEvaluation lexical = await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical);
        output.WriteLine($"lexical {lexical.Ndcg10:0.0000} / {lexical.Recall100:0.0000}");
        Assert.True(lexical is { Ndcg10: >= 0.355, Recall100: >= 0.725 }, $"{lexical.Ndcg10:0.0000} / {lexical.Recall100:0.0000}");
        RetrievalEvaluation local = await evaluator.EvaluateAsync(collection.Queries, RagTier.Local);
        output.WriteLine($"local {local.Ndcg10:0.0000} / {local.Recall100:0.0000}");
        Assert.True(local is { Ndcg10: >= 0.395, Recall100: >= 0.785 }, $"{local.Ndcg10:0.0000} / {local.Recall100:0.0000}");
        Assert.All(local.Queries, query => Assert.Equal(RagTier.Local, query.Tier));
        await AssertAnsweredAsync(host.Retriever, collection);
    }

    [Fact]
    public async Task SciFact_LexicalAndLocal_ReachTheirFigures()
    {
        BeirCollection collection = await TestData.LoadAsync("scifact");
        await using var host = new RagHost(time: new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        Assert.True(await host.Knowledge.LearnAsync());
        var evaluator = new RetrievalEvaluator(host.Retriever);
        RetrievalEvaluation lexical = await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical);
        output.WriteLine($"lexical {lexical.Ndcg10:0.0000} / {lexical.Recall100:0.0000}");
        Assert.True(lexical is { Ndcg10: >= 0.693, Recall100: >= 0.925 }, $"{lexical.Ndcg10:0.0000} / {lexical.Recall100:0.0000}");
        RetrievalEvaluation local = await evaluator.EvaluateAsync(collection.Queries, RagTier.Local);
        output.WriteLine($"local {local.Ndcg10:0.0000} / {local.Recall100:0.0000}");
        Assert.True(local is { Ndcg10: >= 0.700, Recall100: >= 0.945 }, $"{local.Ndcg10:0.0000} / {local.Recall100:0.0000}");
        await AssertAnsweredAsync(host.Retriever, collection);
    }

    // What keeps off-topic questions from getting passages must not keep real ones from getting theirs.
    private async Task AssertAnsweredAsync(IRetriever retriever, BeirCollection collection)
    {
        var refused = new List<string>();
        foreach (EvaluationQuery query in collection.Queries)
        {
            if ((await retriever.RetrieveAsync(query.Text)).FoundNothing)
            {
                refused.Add(query.Text);
            }
        }

        output.WriteLine($"{collection.Name}: {refused.Count} of {collection.Queries.Count} refused\n{string.Join('\n', refused)}");
        Assert.True(refused.Count <= collection.Queries.Count / 100, $"{refused.Count} refused, such as: {refused.FirstOrDefault()}");
    }

    [Fact]
    public async Task Cranfield_RandomEmbedder_StaysNearItsLexicalArm()
    {
        BeirCollection collection = await TestData.LoadAsync("cranfield");
        await using var host = new RagHost(
            rag => rag.UseEmbeddings(new PlantedEmbeddings(text => PlantedEmbeddings.Noise(text, 32))), o => o.Learn = false, new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        var evaluator = new RetrievalEvaluator(host.Retriever);
        RetrievalEvaluation lexical = await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical);
        RetrievalEvaluation hybrid = await evaluator.EvaluateAsync(collection.Queries);
        Assert.Equal(RagTier.Hybrid, hybrid.Queries[0].Tier);
        Assert.True(hybrid.Ndcg10 >= lexical.Ndcg10 - 0.005, $"{hybrid.Ndcg10:0.0000} against {lexical.Ndcg10:0.0000}");
    }

    [Fact]
    public async Task Cranfield_StrongEmbedder_IsFarAboveTheWordsAndNotFarBelowItself()
    {
        BeirCollection collection = await TestData.LoadAsync("cranfield");
        const int Dimension = 96;
        Dictionary<string, List<string>> asked = [];
        foreach (EvaluationQuery query in collection.Queries)
        {
            foreach (string document in query.Relevant.Keys)
            {
                (asked.TryGetValue(document, out List<string>? list) ? list : asked[document] = []).Add(query.Text);
            }
        }

        // Documents lie near the questions they answer, with noise that leaves the dense arm strong but not perfect.
        Dictionary<string, float[]> planted = [];
        foreach (KnowledgeDocument document in collection.Documents)
        {
            float[] vector = PlantedEmbeddings.Noise(document.Id + document.Text, Dimension);
            foreach (string question in asked.GetValueOrDefault(document.Id, []))
            {
                float[] direction = PlantedEmbeddings.Noise(question, Dimension);
                vector = [.. vector.Zip(direction, (x, y) => x + (0.45f * y))];
            }

            planted[string.Join('\n', new[] { document.Title, document.Text }.Where(part => part.Length > 0))] = vector;
        }

        var embedder = new PlantedEmbeddings(text => planted.GetValueOrDefault(text) ?? PlantedEmbeddings.Noise(text, Dimension));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        var evaluator = new RetrievalEvaluator(host.Retriever);
        double lexical = (await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical)).Ndcg10;
        double dense = collection.Queries.Average(query =>
        {
            float[] point = PlantedEmbeddings.Noise(query.Text, Dimension);
            string[] ranking = [.. collection.Documents.OrderByDescending(document => System.Numerics.Tensors.TensorPrimitives.CosineSimilarity(point,
                planted[string.Join('\n', new[] { document.Title, document.Text }.Where(part => part.Length > 0))])).Take(10).Select(document => document.Id)];
            return RetrievalEvaluator.Ndcg(ranking, query.Relevant, 10);
        });
        double hybrid = (await evaluator.EvaluateAsync(collection.Queries)).Ndcg10;
        Assert.True(hybrid >= lexical + 0.3 && hybrid >= dense - 0.1, $"hybrid {hybrid:0.0000}, lexical {lexical:0.0000}, dense {dense:0.0000}");
    }
}
