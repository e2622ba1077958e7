namespace Coach.Abstractions;

/// <summary>One declared secret.</summary>
/// <param name="Name">The name, which is also the environment variable's.</param>
/// <param name="IsRequired">Whether real mode cannot run without it.</param>
/// <param name="LegacyName">An older name that is tried after <paramref name="Name"/>, or null.</param>
public sealed record SecretEntry(string Name, bool IsRequired, string? LegacyName = null)
{
    /// <summary>The secret that holds this one as a key, next to others.</summary>
    /// <value>Null (the default): a secret of its own, named like the variable.</value>
    public string? Group { get; init; }
}
