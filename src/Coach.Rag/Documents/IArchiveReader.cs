namespace Coach.Rag;

/// <summary>
/// A reader of files that hold others. Each of these becomes a document of its own, whose id and source are the
/// archive's with its name in it (<c>guides.zip/install/linux.md</c>): replaced and removed with the archive, and found
/// by <c>MetadataFilter.ArchiveKey</c>. <see cref="IDocumentReader.ReadAsync"/> gives all in one, for who wants
/// a file's text and no index.
/// </summary>
public interface IArchiveReader : IDocumentReader
{
    /// <summary>Unpacks an archive, and those within it.</summary>
    /// <param name="file">The archive, and the limits that hold for all in it together.</param>
    /// <param name="cancellationToken">Ends the work; look at it now and then.</param>
    /// <returns>What is in it.</returns>
    /// <exception cref="RagException">
    /// <see cref="RagError.DocumentRefused"/>: it is damaged, or goes beyond its limits; then nothing of it is taken.
    /// </exception>
    ValueTask<ArchiveContent> ReadFilesAsync(DocumentFile file, CancellationToken cancellationToken = default);
}
