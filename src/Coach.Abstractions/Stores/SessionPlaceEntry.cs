namespace Coach.Abstractions;

/// <summary>A session that enters a key, and the limits that hold for it.</summary>
/// <param name="Session">The session.</param>
/// <param name="Network">Where its person calls from; at most 500 characters, empty where it is not known.</param>
/// <param name="Fingerprint">The key's fingerprint; 1 to 500 characters.</param>
public sealed record SessionPlaceEntry(SessionId Session, string Network, string Fingerprint)
{
    /// <summary>How many places there are.</summary>
    /// <value>1 to 1,000,000.</value>
    public required int MaxSessions { get; init; }

    /// <summary>How many of them sessions of one address, or with one key, may have.</summary>
    /// <value>1 to <see cref="MaxSessions"/>.</value>
    public required int Share { get; init; }

    /// <summary>How long a session must not have been used to make room for another.</summary>
    /// <value>More than zero.</value>
    public required TimeSpan Idle { get; init; }

    /// <summary>How long a session that nobody uses keeps its place.</summary>
    /// <value>More than zero.</value>
    public required TimeSpan Lifetime { get; init; }
}
