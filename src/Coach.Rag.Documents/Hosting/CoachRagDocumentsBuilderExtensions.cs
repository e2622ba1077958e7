using Coach.Rag;
using Coach.Rag.Documents.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the readers of Coach.Rag.Documents.</summary>
public static class CoachRagDocumentsBuilderExtensions
{
    /// <summary>
    /// Reads PDF, Word, PowerPoint, Excel, CSV, JSON, notebooks, EPUB, e-mail, AsciiDoc, reStructuredText, source code,
    /// saved web pages and zip files of these, too.
    /// </summary>
    /// <param name="builder">The registration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachRagBuilder WithDocumentReaders(this CoachRagBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        foreach (IDocumentReader reader in DocumentReaderSet.Create().Reverse())
        {
            builder.WithReader(reader);
        }

        return builder;
    }
}
