using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore;

/// <summary>
/// The session of the current request. Get it with <see cref="CoachSessionHttpContextExtensions.GetCoachSession"/>.
/// </summary>
public sealed class CoachSession
{
    internal CoachSession(SessionId id, DateTimeOffset expires)
    {
        Id = id;
        Expires = expires;
    }

    /// <summary>The public handle: 32 hexadecimal digits. It is not the cookie and cannot be turned into it.</summary>
    public SessionId Id { get; }

    /// <summary>When the session ends at the latest.</summary>
    public DateTimeOffset Expires { get; }
}
