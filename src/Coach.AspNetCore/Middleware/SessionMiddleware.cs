using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// For endpoints that need a session: refuses another origin, finds the cookie's session or starts one. A session that
/// was ended stays ended, on every replica that shares the cache.
/// </summary>
internal sealed class SessionMiddleware(
    RequestDelegate next, SessionTickets tickets, IRevokedSessionStore ended, SessionRenewal renewal,
    SessionPlaces places, IOptions<CoachSessionOptions> options)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<SessionMetadata>() is null)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        if (!IsSameOrigin(context.Request))
        {
            await new CoachProblem(StatusCodes.Status403Forbidden, ErrorCodes.RequestInvalid,
                "This API answers only pages of its own origin. Call it from the page itself, or without an Origin "
                + "header.")
                .ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        string? cookie = SessionCookie.Find(context.Request, options.Value.CookieName, out bool isOldName);
        SessionTicket? known = tickets.TryRead(cookie);
        bool isOver = known is null || await IsOverAsync(known, context.RequestAborted).ConfigureAwait(false);
        SessionTicket ticket = isOver ? tickets.Issue() : known!;
        if (isOver ? known is null || !renewal.IsJustRenewed(known) : isOldName)
        {
            renewal.AppendAtTheEnd(context, ticket.CookieValue);
        }

        places.Use(ticket.Session);
        context.Features.Set(new CoachSession(ticket, isNew: isOver));
        await next(context).ConfigureAwait(false);
    }

    private async Task<bool> IsOverAsync(SessionTicket ticket, CancellationToken cancellationToken) =>
        await ended.IsRevokedAsync(ticket.Session, cancellationToken).ConfigureAwait(false)
        || await ended.IsRevokedAsync(ticket.Id, cancellationToken).ConfigureAwait(false);

    private static bool IsSameOrigin(HttpRequest request)
    {
        // Fetch Metadata (W3C): a browser sends it with every request, also with those that have no Origin.
        if (request.Headers["Sec-Fetch-Site"].Any(site => !IsFromHere(site)))
        {
            return false;
        }

        return request.Headers.Origin switch
        {
            [] => true,
            [{ } origin] => Uri.TryCreate(origin, UriKind.Absolute, out Uri? from)
                && string.Equals(from.Scheme, request.Scheme, StringComparison.OrdinalIgnoreCase)
                && string.Equals(from.Authority, Authority(request), StringComparison.OrdinalIgnoreCase),
            _ => false,
        };
    }

    // "none": the person, who typed the address.
    private static bool IsFromHere(string? site) =>
        string.Equals(site, "same-origin", StringComparison.OrdinalIgnoreCase)
        || string.Equals(site, "none", StringComparison.OrdinalIgnoreCase);

    // Uri.Authority leaves the scheme's default port out, and so must the other side.
    private static string Authority(HttpRequest request)
    {
        bool isDefault = request.Host.Port is null
            || (request.IsHttps ? request.Host.Port == 443 : request.Host.Port == 80);
        return isDefault ? request.Host.Host : request.Host.Value ?? "";
    }
}

/// <summary>Marks an endpoint whose requests belong to a session and must come from the page's own origin.</summary>
internal sealed class SessionMetadata
{
    public static readonly SessionMetadata Instance = new();
}
