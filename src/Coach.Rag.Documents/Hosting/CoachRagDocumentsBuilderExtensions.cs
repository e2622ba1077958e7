using Coach.Rag;
using Coach.Rag.Documents;
using Coach.Rag.Documents.Containers;
using Coach.Rag.Documents.Office;
using Coach.Rag.Documents.Pages;
using Coach.Rag.Documents.Structured;
using Coach.Rag.Documents.Markup;

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

/// <summary>The readers in the order in which they are asked.</summary>
internal static class DocumentReaderSet
{
    public static IReadOnlyList<IDocumentReader> Create()
    {
        List<IDocumentReader> readers =
        [
            new PdfReader(),
            new WordReader(),
            new PresentationReader(),
            new SpreadsheetReader(),
            new EpubReader(),
            new NotebookReader(),
            new MailReader(),
            new DelimitedTextReader(),
            new JsonReader(),
            new AsciiDocReader(),
            new ReStructuredTextReader(),
            new SourceCodeReader(),
        ];

        // What lies in an archive or is attached to a mail is read by the same readers, and by those of Coach.Rag.
        var inner = new InnerReaders(readers);
        readers.Add(new ZipReader(inner));
        inner.Add(readers[^1]);
        ((MailReader)readers[6]).Attachments = inner;
        return readers;
    }
}
