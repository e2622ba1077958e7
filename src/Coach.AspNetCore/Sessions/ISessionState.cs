using Coach.Abstractions;

namespace Coach.AspNetCore.Sessions;

/// <summary>Something that is kept for a session and goes with it.</summary>
internal interface ISessionState
{
    /// <summary>What the log calls it when it cannot be removed.</summary>
    string Name { get; }

    Task RemoveAsync(SessionId session);
}
