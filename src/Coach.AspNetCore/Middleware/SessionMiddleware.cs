using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// For endpoints that need a session: refuses another origin, finds the cookie's session or starts one. A session that
/// was ended stays ended, on every replica that shares the cache; a signed-in user's is no other's.
/// </summary>
internal sealed class SessionMiddleware(
    RequestDelegate next, SessionTickets tickets, IRevokedSessionStore ended, SessionRenewal renewal,
    SessionOwners owners, SessionPlaces places, AllowedOrigins origins, IOptions<CoachSessionOptions> options)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<SessionMetadata>() is null)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        if (!origins.IsAllowed(context.Request))
        {
            await Forbidden().ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        string name = options.Value.CookieName;
        if (SessionCookie.IsAmbiguous(context.Request, name))
        {
            await TwoCookies().ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        string? cookie = SessionCookie.Find(context.Request, name, out bool isOldName);
        SessionTicket? known = tickets.TryRead(cookie);
        bool isOver = known is null || await IsOverAsync(known, context.RequestAborted).ConfigureAwait(false);
        bool isReplaced = isOver && known is not null
            && await renewal.IsJustReplacedAsync(known, context.RequestAborted).ConfigureAwait(false);
        if (isReplaced && !IsReading(context.Request.Method))
        {
            await Replaced().ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        SessionTicket ticket = isOver ? tickets.Issue() : known!;
        string? owner = await owners.FindAsync(context, ticket.Session).ConfigureAwait(false);
        if (!isOver)
        {
            SessionTicket? own = await owners.ClaimAsync(ticket, owner, context.RequestAborted).ConfigureAwait(false);
            isOver = own is null;
            ticket = own ?? tickets.Issue();
        }

        if (isOver && owner is not null)
        {
            ticket = tickets.Bind(ticket, owner);
        }

        bool isOther = ticket.CookieValue != cookie || isOldName;
        if (isOther && !isReplaced)
        {
            renewal.AppendAtTheEnd(context, ticket.CookieValue);
        }

        if (!isOver)
        {
            await places.UseAsync(ticket.Session, context.RequestAborted).ConfigureAwait(false);
        }

        context.Features.Set(new CoachSession(ticket, isNew: isOver));
        await next(context).ConfigureAwait(false);
    }

    private static bool IsReading(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);

    private static CoachProblem Forbidden() => new(
        StatusCodes.Status403Forbidden,
        ErrorCodes.RequestInvalid,
        "This API answers only pages of its own origin and of the same site's that are listed in "
        + $"{AllowedOrigins.Key}. Call it from the page itself, or without an Origin header.");

    // Which of them is this browser's own cannot be told: another host of the same domain may have set one.
    private static CoachProblem TwoCookies() => new(
        StatusCodes.Status400BadRequest,
        ErrorCodes.RequestInvalid,
        "The request carries two different session cookies. Delete this site's cookies and try again.");

    private static CoachProblem Replaced() => new(
        ProblemStatus.Of(ErrorCodes.SessionRequired),
        ErrorCodes.SessionRequired,
        "The session's cookie was replaced a moment ago, when a key was entered. Nothing was done; send the request "
        + "again with the new cookie.");

    private async Task<bool> IsOverAsync(SessionTicket ticket, CancellationToken cancellationToken) =>
        await ended.IsRevokedAsync(ticket.Session, cancellationToken).ConfigureAwait(false)
        || await ended.IsRevokedAsync(ticket.Id, cancellationToken).ConfigureAwait(false);
}

/// <summary>Marks an endpoint whose requests belong to a session and must come from the page's own origin.</summary>
internal sealed class SessionMetadata
{
    public static readonly SessionMetadata Instance = new();
}
