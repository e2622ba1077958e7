using Coach.Rag.Chat;
using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>Offers a retriever to a model.</summary>
public static class RetrieverExtensions
{
    /// <summary>Makes the retriever a function that a model may call: <c>search_documents(query)</c>.</summary>
    /// <param name="retriever">The retriever.</param>
    /// <param name="options">What to ask of it; null asks for its defaults.</param>
    /// <returns>
    /// The function. It answers with the passages as JSON data, and with the tier and the reason of a fallback.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="retriever"/> is null.</exception>
    public static AIFunction AsAIFunction(this IRetriever retriever, RetrievalOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(retriever);
        return new RetrieverFunction(retriever, options);
    }
}
