using Coach.Rag.Documents;

namespace Coach.Rag;

/// <summary>The readers that every registration has: HTML, Markdown and plain text, for readers that find such
/// parts.</summary>
public static class TextDocumentReaders
{
    /// <summary>The readers, in the order in which they are asked.</summary>
    public static IReadOnlyList<IDocumentReader> All { get; } =
        [new HtmlReader(), new MarkdownReader(), new PlainTextReader()];
}
