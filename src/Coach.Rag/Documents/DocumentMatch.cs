namespace Coach.Rag;

/// <summary>How a reader knows a file.</summary>
public enum DocumentMatch
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>By its name or its declared media type. Taken when no reader knows the content.</summary>
    Name,

    /// <summary>By its content. The first reader in order that says so takes the file, whatever its name.</summary>
    Content,
}
