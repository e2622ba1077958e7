namespace Coach.Abstractions;

/// <summary>What is said to a session that enters a key. The zero value is a refusal.</summary>
/// <param name="IsGranted">Whether it has a place.</param>
/// <param name="Leaving">A session that lost its place for it, and whose keys have to go; null if none did.</param>
public readonly record struct SessionPlaceDecision(bool IsGranted, SessionId? Leaving);
