using Coach.Rag;
using Coach.Rag.VectorData;
using Microsoft.Extensions.VectorData;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Offers a registration of Coach.Rag to what searches by Microsoft.Extensions.VectorData.</summary>
public static class CoachRagVectorDataBuilderExtensions
{
    /// <summary>
    /// Registers <see cref="IKeywordHybridSearchable{T}"/> and <see cref="IVectorSearchable{T}"/> of
    /// <see cref="Passage"/>, keyed by the registration's name if it has one. Where documents are kept by scope there
    /// is none for all of them, and resolving it throws: search <c>OpenKnowledge.Retriever</c> of the scope.
    /// </summary>
    /// <param name="builder">The registration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachRagBuilder WithVectorDataSearch(this CoachRagBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string name = builder.Name;
        object? key = name.Length == 0 ? null : name;
        builder.Services.AddKeyedSingleton(key, (provider, _) => new RetrieverSearch(
            provider.GetRequiredKeyedService<IRetriever>(key), name.Length == 0 ? "documents" : name));
        builder.Services.AddKeyedSingleton<IKeywordHybridSearchable<Passage>>(
            key, (provider, _) => provider.GetRequiredKeyedService<RetrieverSearch>(key));
        builder.Services.AddKeyedSingleton<IVectorSearchable<Passage>>(
            key, (provider, _) => provider.GetRequiredKeyedService<RetrieverSearch>(key));
        return builder;
    }
}
