using Coach.Rag.Indexing;
using Coach.Rag.Lsa;
using Coach.Rag.Store;

namespace Coach.Rag.Tests.Lsa;

public sealed class LsaTrainerTests
{
    [Fact]
    public void RightVectors_LowRankMatrix_AreItsSingularVectors()
    {
        // Known factors: columns of the right side are orthonormal, the weights 9, 5 and 2.
        var random = new Random(5);
        const int Rows = 300, Columns = 120;
        double[][] left = Orthonormal(Rows, 3, random), right = Orthonormal(Columns, 3, random);
        double[] weights = [9, 5, 2];
        var starts = new int[Rows + 1];
        var indices = new List<int>();
        var values = new List<float>();
        for (int r = 0; r < Rows; r++)
        {
            for (int c = 0; c < Columns; c++)
            {
                indices.Add(c);
                values.Add((float)Enumerable.Range(0, 3).Sum(k => weights[k] * left[k][r] * right[k][c]));
            }

            starts[r + 1] = indices.Count;
        }

        (DenseMatrix vectors, int count) = RandomizedSvd.RightVectors(
            new SparseMatrix(Rows, Columns, starts, [.. indices], [.. values]), 10, 2, TestContext.Current.CancellationToken);
        Assert.InRange(count, 3, 10);
        for (int k = 0; k < 3; k++)
        {
            double cosine = Enumerable.Range(0, Columns).Sum(c => vectors.Row(c)[k] * right[k][c]);
            Assert.Equal(1, Math.Abs(cosine), 1e-3);
        }
    }

    [Fact]
    public void Solve_SymmetricMatrix_GivesEigenvectors()
    {
        var random = new Random(3);
        const int N = 40;
        var matrix = new double[N, N];
        for (int i = 0; i < N; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                matrix[i, j] = matrix[j, i] = random.NextDouble() - 0.5;
            }
        }

        var vectors = (double[,])matrix.Clone();
        double[] values = SymmetricEigen.Solve(vectors);
        for (int k = 0; k < N; k++)
        {
            for (int i = 0; i < N; i++)
            {
                double product = Enumerable.Range(0, N).Sum(j => matrix[i, j] * vectors[j, k]);
                Assert.Equal(values[k] * vectors[i, k], product, 1e-9);
            }
        }
    }

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

    [Fact]
    public async Task AddOrUpdateAsync_ManySmallChanges_KeepFewSegmentsAndEveryDocument()
    {
        await using var host = new RagHost();
        for (int i = 0; i < 60; i++)
        {
            await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument($"d{i % 50}", $"Text number {i} about thing{i}.")]);
        }

        await host.Knowledge.LearnAsync();
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        Assert.True(index.SearcherOf(snapshot).Segments.Count <= 12);
        Assert.Equal(50, host.Knowledge.DocumentCount);
        for (int i = 10; i < 60; i++)
        {
            Assert.Equal($"d{i % 50}", (await host.Retriever.RetrieveAsync($"thing{i}", new RetrievalOptions { BestTier = RagTier.Lexical })).Passages[0].DocumentId);
        }
    }

    private static double[][] Orthonormal(int length, int count, Random random)
    {
        var vectors = new double[count][];
        for (int k = 0; k < count; k++)
        {
            vectors[k] = [.. Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5)];
            for (int j = 0; j < k; j++)
            {
                double dot = vectors[k].Zip(vectors[j], (x, y) => x * y).Sum();
                vectors[k] = [.. vectors[k].Zip(vectors[j], (x, y) => x - (dot * y))];
            }

            double norm = Math.Sqrt(vectors[k].Sum(x => x * x));
            vectors[k] = [.. vectors[k].Select(x => x / norm)];
        }

        return vectors;
    }
}
