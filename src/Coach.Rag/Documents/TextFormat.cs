namespace Coach.Rag;

/// <summary>How a text that is handed over is written.</summary>
public enum TextFormat
{
    /// <summary>Plain text: paragraphs separated by blank lines.</summary>
    PlainText,

    /// <summary>Markdown (CommonMark with tables, and what documentation tools add to it).</summary>
    Markdown,

    /// <summary>HTML.</summary>
    Html,
}
