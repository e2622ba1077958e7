namespace Coach.AspNetCore;

/// <summary>Marks an endpoint whose requests belong to a session and must come from the page's own origin.</summary>
internal sealed class SessionMetadata
{
    public static readonly SessionMetadata Instance = new();
}
