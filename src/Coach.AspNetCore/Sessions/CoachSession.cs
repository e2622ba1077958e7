using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
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

    internal CoachSession(SessionTicket ticket, bool isNew)
        : this(ticket.Session, ticket.Expires)
    {
        Ticket = ticket;
        IsNew = isNew;
    }

    /// <summary>The public handle: 32 hexadecimal digits. It is not the cookie and cannot be turned into it.</summary>
    public SessionId Id { get; }

    /// <summary>When the session ends at the latest.</summary>
    public DateTimeOffset Expires { get; }

    /// <summary>What the browser holds, or will.</summary>
    internal SessionTicket? Ticket { get; set; }

    /// <summary>Whether the session began with this request.</summary>
    internal bool IsNew { get; }
}
