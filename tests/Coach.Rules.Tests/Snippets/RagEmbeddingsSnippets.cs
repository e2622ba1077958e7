using Coach.Rag.Embeddings;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class RagEmbeddingsSnippets
{
    public static void Register(IServiceCollection services)
    {
        #region register
        services.AddCoachRag()
            .WithSource("docs")
            .UseIndexFile("data/docs.coach")
            .UseModel2Vec("models/potion-base-8M");
        #endregion
    }

    public static async Task<int> Generate()
    {
        #region generate
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load("models/potion-base-8M");
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["How do I restore a backup?"]);
        #endregion
        return embeddings.Count;
    }

    public static int Encoder()
    {
        #region encoder
        using EncoderEmbeddingGenerator encoder = EncoderEmbeddingGenerator.Load("models/all-MiniLM-L6-v2.encoder", threads: 2);
        #endregion
        return encoder.GetHashCode();
    }
}
