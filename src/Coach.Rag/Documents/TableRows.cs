namespace Coach.Rag.Documents;

/// <summary>Where the rows of a table end.</summary>
internal enum TableRows
{
    /// <summary>Each with its line.</summary>
    Lines,

    /// <summary>With a line that begins with a plus, as in a grid.</summary>
    Ruled,

    /// <summary>With a blank line, as in Pandoc's multi-line tables.</summary>
    Spaced,
}
