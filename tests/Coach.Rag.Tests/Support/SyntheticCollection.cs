namespace Coach.Rag.Tests;

/// <summary>Collections made by rule, so that quality is tested where no data is.</summary>
internal sealed record SyntheticCollection(IReadOnlyList<KnowledgeDocument> Documents, IReadOnlyList<EvaluationQuery> Queries)
{
    /// <summary>
    /// Documents of 30 topics, each topic with words of its own and two spellings of them. A question holds some words of one document, partly
    /// in the other spelling, and common ones; relevant are the document (2) and those that share four of its words (1).
    /// </summary>
    public static SyntheticCollection Topics(int seed, int documents = 600, int queries = 150)
    {
        var random = new Random(seed);
        int[][] words = [.. Enumerable.Range(0, documents).Select(i => Enumerable.Range(0, 12)
            .Select(_ => ((i % 30) * 40) + (int)(40 * Math.Pow(random.NextDouble(), 1.5))).Distinct().ToArray())];
        string Spell(int word) => $"t{word}{(random.Next(2) == 0 ? "a" : "b")}";
        string Common() => $"c{(int)(300 * Math.Pow(random.NextDouble(), 3))}";
        string Text(int[] own) => string.Join(' ', own.SelectMany(word => new[] { Spell(word), Spell(word), Common(), Common() }).OrderBy(_ => random.Next()));
        KnowledgeDocument[] all = [.. words.Select((own, i) => new KnowledgeDocument($"d{i}", Text(own)) { IsOnePassage = true })];
        var asked = new List<EvaluationQuery>();
        for (int q = 0; q < queries; q++)
        {
            int at = random.Next(documents);
            Dictionary<string, int> relevant = Enumerable.Range(0, documents).Where(i => i % 30 == at % 30 && words[i].Intersect(words[at]).Count() >= 5)
                .ToDictionary(i => $"d{i}", i => i == at ? 2 : 1);
            asked.Add(new EvaluationQuery($"q{q}",
                string.Join(' ', words[at].OrderBy(_ => random.Next()).Take(5).Select(Spell).Concat(Enumerable.Range(0, 4).Select(_ => Common()))), relevant));
        }

        return new SyntheticCollection(all, asked);
    }

    /// <summary>Words drawn one by one: there is nothing to learn, and a question has one answer.</summary>
    public static SyntheticCollection Noise(int seed, int documents = 1500, int queries = 400)
    {
        var random = new Random(seed);
        string Word() => $"w{(int)(6000 * Math.Pow(random.NextDouble(), 4)):x}";
        string Text() => string.Join(' ', Enumerable.Range(0, random.Next(20, 120)).Select(_ => Word()));
        KnowledgeDocument[] all = [.. Enumerable.Range(0, documents).Select(i => new KnowledgeDocument($"d{i}", Text()) { IsOnePassage = true })];
        return new SyntheticCollection(all, [.. Enumerable.Range(0, queries).Select(q =>
        {
            KnowledgeDocument document = all[random.Next(documents)];
            string[] words = document.Text.Split(' ');
            return new EvaluationQuery($"q{q}", string.Join(' ', Enumerable.Range(0, 6).Select(i => i < 4 ? words[random.Next(words.Length)] : Word())),
                new Dictionary<string, int> { [document.Id] = 1 });
        })]);
    }

    /// <summary>Vectors near the questions that each document answers, with noise that leaves them strong but not perfect.</summary>
    public PlantedEmbeddings Planted(int dimension, float strength)
    {
        var planted = Documents.ToDictionary(document => document.Text, document => PlantedEmbeddings.Noise(document.Text, dimension));
        Dictionary<string, string> texts = Documents.ToDictionary(document => document.Id, document => document.Text);
        foreach (EvaluationQuery query in Queries)
        {
            float[] direction = PlantedEmbeddings.Noise(query.Text, dimension);
            foreach ((string id, int gain) in query.Relevant)
            {
                planted[texts[id]] = [.. planted[texts[id]].Zip(direction, (x, y) => x + (strength * gain * y))];
            }
        }

        return new PlantedEmbeddings(text => planted.GetValueOrDefault(text) ?? PlantedEmbeddings.Noise(text, dimension));
    }

    /// <summary>What the vectors give by themselves.</summary>
    public double DenseNdcg(PlantedEmbeddings embeddings) => Queries.Average(query =>
    {
        float[] point = embeddings.Of(query.Text);
        string[] ranking = [.. Documents.OrderByDescending(document => System.Numerics.Tensors.TensorPrimitives.CosineSimilarity(point, embeddings.Of(document.Text)))
            .Take(10).Select(document => document.Id)];
        return RetrievalEvaluator.Ndcg(ranking, query.Relevant, 10);
    });
}
