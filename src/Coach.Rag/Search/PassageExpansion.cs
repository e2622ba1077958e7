namespace Coach.Rag;

/// <summary>What to show around a passage.</summary>
public sealed record PassageExpansion
{
    /// <summary>How many passages of the document before it.</summary>
    /// <value>0 to 100; 1 unless set.</value>
    public int Before { get; init; } = 1;

    /// <summary>How many passages of the document after it.</summary>
    /// <value>0 to 100; 1 unless set.</value>
    public int After { get; init; } = 1;

    /// <summary>Whether the whole section above it is shown: all passages under the parent of its heading.</summary>
    /// <value>False unless set.</value>
    public bool ParentSection { get; init; }

    /// <summary>The most passages, the passage itself included; those nearest to it are shown.</summary>
    /// <value>1 to 1000; 20 unless set.</value>
    public int MaxPassages { get; init; } = 20;
}
