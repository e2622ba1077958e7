namespace Coach.Rag;

/// <summary>What a block of text is: how it may be cut into passages.</summary>
public enum TextBlockKind
{
    /// <summary>Running text: cut between sentences.</summary>
    Paragraph,

    /// <summary>An item of a list: kept whole where it fits.</summary>
    ListItem,

    /// <summary>A table: cut between rows, each piece with the table's head.</summary>
    Table,

    /// <summary>Code: cut between lines, each piece with the first line.</summary>
    Code,
}
