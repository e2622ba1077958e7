namespace Coach.Rag;

/// <summary>
/// Opens the documents of a scope. A host whose tenants, users or sessions have documents of their own registers
/// <c>AddCoachRag().WithScopes(folder)</c>: one index file a scope, opened at run time, and no unscoped
/// <see cref="IRetriever"/> that could answer one from another's documents. Without that, scopes are the names of
/// registrations.
/// </summary>
public interface IKnowledgeBases
{
    /// <summary>Opens a scope; again: the same documents.</summary>
    /// <param name="scope">Whose documents.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// The documents; null if nothing is registered for the scope. There is nothing to dispose: with
    /// <c>WithScopes</c> a file that is not used is closed, and opened again by the next call.
    /// </returns>
    /// <exception cref="RagException">
    /// With <c>WithScopes</c>: the file cannot be opened, is open in another process, or as many as may be are in use.
    /// </exception>
    ValueTask<OpenKnowledge?> OpenAsync(KnowledgeScope scope, CancellationToken cancellationToken = default);

    /// <summary>
    /// Removes a scope: waits for what reads or writes it, closes it and erases its files. What was opened before
    /// finds nothing from then on; the scope can be opened anew, empty.
    /// </summary>
    /// <param name="scope">Whose documents.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there were any; false without <c>WithScopes</c>, where nothing is removed.</returns>
    /// <exception cref="RagException">
    /// It is in use for too long, open in another process, or its files cannot be deleted.
    /// </exception>
    ValueTask<bool> RemoveAsync(KnowledgeScope scope, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(false);
}
