using Coach.Rag;
using Coach.Rag.Embeddings;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds embeddings that need no provider to a registration of Coach.Rag.</summary>
public static class CoachRagEmbeddingsBuilderExtensions
{
    /// <summary>Embeds with a model2vec model from a folder; it is loaded when it is first needed.</summary>
    /// <param name="builder">The registration.</param>
    /// <param name="folder">The model folder: see <see cref="Model2VecEmbeddingGenerator"/>.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is null or blank.</exception>
    /// <remarks>
    /// Resolving <see cref="IRetriever"/> or <see cref="IKnowledgeBase"/> throws <see cref="RagException"/> with
    /// <see cref="RagError.ModelInvalid"/> when the folder is incomplete, damaged, or of a kind that is not supported.
    /// </remarks>
    public static CoachRagBuilder UseModel2Vec(this CoachRagBuilder builder, string folder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        object key = new ModelKey(builder.Name, folder);
        builder.Services.AddKeyedSingleton(key, (_, _) => Model2VecEmbeddingGenerator.Load(folder));
        return builder.UseEmbeddings(provider => provider.GetRequiredKeyedService<Model2VecEmbeddingGenerator>(key));
    }

    // The container owns the model and unmaps it; one registration's is not another's.
    private sealed record ModelKey(string Registration, string Folder);
}
