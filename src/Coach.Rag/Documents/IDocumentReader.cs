namespace Coach.Rag;

/// <summary>
/// Turns files of some formats into text with structure. Readers are asked in their order: the first that knows a file
/// by its content takes it, otherwise the first that knows it by its name. <c>WithReader</c> puts one before those that
/// are there, so a reader can be replaced by another for the same files.
/// </summary>
/// <remarks>Readers are shared and must be safe to use at the same time. They open nothing but the file they
/// get.</remarks>
public interface IDocumentReader
{
    /// <summary>
    /// The reader's name. An index remembers it: a document that another reader takes, or one with a new name, is read
    /// again.
    /// </summary>
    string Name { get; }

    /// <summary>Whether it takes a file.</summary>
    /// <param name="file">The file.</param>
    /// <returns>How it knows it.</returns>
    DocumentMatch Match(DocumentFile file);

    /// <summary>Reads a file.</summary>
    /// <param name="file">The file, and the limits that hold for it.</param>
    /// <param name="cancellationToken">Ends the reading; look at it now and then.</param>
    /// <returns>Its text.</returns>
    /// <exception cref="RagException">
    /// <see cref="RagError.DocumentRefused"/>: the file cannot be read; <see cref="RagException.DocumentRefused"/>
    /// makes
    /// it. What else is thrown is reported as a damaged document.
    /// </exception>
    ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default);
}
