using Coach.Rag.Documents.Containers;
using Coach.Rag.Documents.Markup;
using Coach.Rag.Documents.Office;
using Coach.Rag.Documents.Pages;
using Coach.Rag.Documents.Structured;

namespace Coach.Rag.Documents.Hosting;

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
