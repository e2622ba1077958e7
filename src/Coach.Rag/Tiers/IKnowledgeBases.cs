namespace Coach.Rag;

/// <summary>
/// Opens the documents of a scope. A host with documents of its own for each tenant registers each under a name and no
/// registration without one: then there is no unscoped <see cref="IRetriever"/> that could answer one tenant from
/// another's documents.
/// </summary>
public interface IKnowledgeBases
{
    /// <summary>Opens a scope; again: the same services.</summary>
    /// <param name="scope">Whose documents.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// The documents; null if nothing is registered for the scope. What is returned belongs to the host.
    /// </returns>
    ValueTask<OpenKnowledge?> OpenAsync(KnowledgeScope scope, CancellationToken cancellationToken = default);
}
