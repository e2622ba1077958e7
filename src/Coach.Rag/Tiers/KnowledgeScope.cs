namespace Coach.Rag;

/// <summary>Whose documents are searched: those that everybody shares, or those of one registration.</summary>
/// <remarks>The zero value is <see cref="Shared"/>.</remarks>
public readonly record struct KnowledgeScope
{
    private readonly string? _name;

    private KnowledgeScope(string name) => _name = name;

    /// <summary>The documents of <c>AddCoachRag()</c>, without a name.</summary>
    public static KnowledgeScope Shared => default;

    /// <summary>The registration's name; empty for <see cref="Shared"/>.</summary>
    public string Name => _name ?? "";

    /// <summary>The documents of <c>AddCoachRag(name)</c>, and no others.</summary>
    /// <param name="name">The registration's name.</param>
    /// <returns>The scope.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null or empty.</exception>
    public static KnowledgeScope Of(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new KnowledgeScope(name);
    }
}
