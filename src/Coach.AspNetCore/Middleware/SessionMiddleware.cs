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
    RequestDelegate next, SessionTickets tickets, IRevokedSessionStore ended, IOptions<CoachSessionOptions> options)
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

        string name = options.Value.CookieName;
        if (!tickets.TryRead(context.Request.Cookies[name], out SessionId id, out DateTimeOffset expires)
            || await ended.IsRevokedAsync(id, context.RequestAborted).ConfigureAwait(false))
        {
            (id, string value) = tickets.Issue();
            tickets.TryRead(value, out _, out expires);
            AppendAtTheEnd(context, name, value);
        }

        context.Features.Set(new CoachSession(id, expires));
        await next(context).ConfigureAwait(false);
    }

    // Not before: an error page clears the headers, and a caller whose first payment failed must come back as the same
    // session.
    private static void AppendAtTheEnd(HttpContext context, string name, string value) =>
        context.Response.OnStarting(() =>
    {
        if (!context.Response.Headers.SetCookie.Any(
            cookie => cookie?.StartsWith(name + "=", StringComparison.Ordinal) == true))
        {
            context.Response.Cookies.Append(name, value, SessionCookie.OptionsFor(context.Request));
        }

        return Task.CompletedTask;
    });

    private static bool IsSameOrigin(HttpRequest request)
    {
        // Fetch Metadata (W3C): a browser sends it with every request, also with those that have no Origin.
        if (request.Headers["Sec-Fetch-Site"] is [{ } site] && site is "cross-site" or "same-site")
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
