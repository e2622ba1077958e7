namespace Coach.Rag;

/// <summary>How a document's text is written.</summary>
public enum DocumentFormat
{
    /// <summary>Plain text: paragraphs separated by blank lines.</summary>
    PlainText,

    /// <summary>Markdown (CommonMark with tables).</summary>
    Markdown,

    /// <summary>HTML.</summary>
    Html,
}
