using Coach.Rag.Embeddings;
using Coach.Rag.MiniLM;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class RagMiniLMSnippets
{
    public static void Register(IServiceCollection services)
    {
        #region register
        services.AddCoachRag()
            .WithSource("docs")
            .UseIndexFile("data/docs.coach")
            .UseMiniLM();
        #endregion
    }

    public static async Task<int> Generate()
    {
        #region generate
        using EncoderEmbeddingGenerator encoder = MiniLMModel.Open();
        GeneratedEmbeddings<Embedding<float>> embeddings = await encoder.GenerateAsync(["How do I restore a backup?"]);
        #endregion
        return embeddings.Count;
    }
}
