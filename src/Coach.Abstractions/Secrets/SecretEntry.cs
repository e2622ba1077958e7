namespace Coach.Abstractions;

/// <summary>One declared secret.</summary>
/// <param name="Name">The name, which is also the environment variable's.</param>
/// <param name="IsRequired">Whether real mode cannot run without it.</param>
/// <param name="LegacyName">An older name that is tried after <paramref name="Name"/>, or null.</param>
public sealed record SecretEntry(string Name, bool IsRequired, string? LegacyName = null);
