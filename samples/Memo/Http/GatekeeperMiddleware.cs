using System.Globalization;
using System.Net;
using Coach.Abstractions;
using Memo.Configuration;
using Memo.People;
using Microsoft.AspNetCore.Identity;

namespace Memo.Http;

/// <summary>
/// Before any endpoint: is the host's name ours, may the page of this origin call, who asks, does a change carry its
/// token, and is it one call too many.
/// </summary>
internal sealed class GatekeeperMiddleware(
    RequestDelegate next, MemoOptions options, SettingsStore settings, SessionStore sessions, TokenIssuer tokens,
    HourlyLimits limits)
{
    public const string Cookie = "memo_session";
    public const string SecureCookie = "__Host-memo_session";
    public const string CsrfHeader = "X-CSRF-Token";

    private static readonly Caller Local = new(MemoUser.LocalId, MemoUser.LocalId, true, null, null);

    public async Task InvokeAsync(HttpContext context, UserManager<MemoUser> users)
    {
        if (!IsOwnHost(context.Request.Host))
        {
            await new MemoProblem(
                StatusCodes.Status421MisdirectedRequest, MemoProblem.HostUnknown,
                "This host does not answer for that name. Set AllowedHosts to the names that it has.").ExecuteAsync(context)
                .ConfigureAwait(false);
            return;
        }

        if (!options.AuthEnabled && !IsOfThisMachine(context))
        {
            await new MemoProblem(
                StatusCodes.Status403Forbidden, ErrorCodes.SessionRequired,
                "Without login this host answers its own machine only, and this call came from another one by a proxy. "
                + "Set AUTH_ENABLED=true.").ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        if (!await MayCallAsync(context).ConfigureAwait(false))
        {
            return;
        }

        // What it belongs to is decided by the path alone: pages, health and metrics ask for nobody.
        if (context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase))
        {
            Caller? caller = await FindCallerAsync(context, users).ConfigureAwait(false);
            context.Items[typeof(Caller)] = caller;
            MemoProblem? problem = CheckCsrf(context, caller) ?? CheckRate(context, caller);
            if (problem is not null)
            {
                await problem.ExecuteAsync(context).ConfigureAwait(false);
                return;
            }
        }

        await next(context).ConfigureAwait(false);
    }

    /// <summary>Says in the headers what a limit has left.</summary>
    public static void Show(HttpContext context, RateDecision decision)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers["X-RateLimit-Limit"] = decision.Limit.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Remaining"] = decision.Remaining.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Reset"] = ((long)Math.Ceiling(decision.Reset.TotalSeconds))
            .ToString(CultureInfo.InvariantCulture);
    }

    private static bool IsUnsafe(string method) =>
        !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method);

    private static bool IsLoopback(string host) => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));

    // What known proxies say is taken off the headers by now; what is left was written by one that nobody named.
    private static bool IsOfThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is not { } address
        || (IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
            && context.Request.Headers["X-Forwarded-For"].Count == 0 && context.Request.Headers["Forwarded"].Count == 0);

    private bool IsOwnHost(HostString host) => host.HasValue
        && (IsLoopback(host.Host) || options.AllowedHosts.Contains(host.Host, StringComparer.OrdinalIgnoreCase));

    // No Origin (a command line) is fine; the host's own and listed ones are; all else is refused, with what it asks for.
    private async Task<bool> MayCallAsync(HttpContext context)
    {
        string origin = context.Request.Headers.Origin.ToString();
        string own = $"{context.Request.Scheme}://{context.Request.Host}";
        if (origin.Length == 0 || origin.Equals(own, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        IHeaderDictionary headers = context.Response.Headers;
        headers.Append("Vary", "Origin");
        if (!settings.Current.Security.AllowedOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase))
        {
            await new MemoProblem(
                StatusCodes.Status403Forbidden, MemoProblem.OriginRefused,
                "Pages of this origin may not call. List it in allowed_origins of security.yaml.").ExecuteAsync(context)
                .ConfigureAwait(false);
            return false;
        }

        headers.AccessControlAllowOrigin = origin;
        headers.AccessControlAllowCredentials = "true";
        headers.AccessControlExposeHeaders = "Location, Retry-After, X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining";
        if (!HttpMethods.IsOptions(context.Request.Method))
        {
            return true;
        }

        headers.AccessControlAllowMethods = "GET, POST, PUT, DELETE";
        headers.AccessControlAllowHeaders = $"Content-Type, Authorization, {CsrfHeader}";
        headers.AccessControlMaxAge = "600";
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return false;
    }

    private async Task<Caller?> FindCallerAsync(HttpContext context, UserManager<MemoUser> users)
    {
        if (!options.AuthEnabled)
        {
            return Local;
        }

        string authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return await tokens.ReadAsync(authorization["Bearer ".Length..].Trim(), users).ConfigureAwait(false);
        }

        string? cookie = context.Request.Cookies[context.Request.IsHttps ? SecureCookie : Cookie];
        return cookie is null
            ? null
            : await sessions.FindAsync(cookie, context.RequestAborted).ConfigureAwait(false);
    }

    private static MemoProblem? CheckCsrf(HttpContext context, Caller? caller)
    {
        if (caller?.Csrf is not { } expected || !IsUnsafe(context.Request.Method)
            || context.Request.Path.Equals("/api/v1/auth/login", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string given = context.Request.Headers[CsrfHeader].ToString();
        bool isRight = System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(
            System.Text.Encoding.UTF8.GetBytes(given), System.Text.Encoding.UTF8.GetBytes(expected));
        return isRight
            ? null
            : new MemoProblem(
                StatusCodes.Status403Forbidden, MemoProblem.CsrfInvalid,
                $"The header {CsrfHeader} is missing or wrong. GET /api/v1/auth/session tells it.");
    }

    private MemoProblem? CheckRate(HttpContext context, Caller? caller)
    {
        // To look at one evaluation again and again is how its end is waited for.
        PathString path = context.Request.Path;
        bool isPoll = HttpMethods.IsGet(context.Request.Method)
            && path.StartsWithSegments("/api/v1/evaluations", StringComparison.OrdinalIgnoreCase, out PathString rest)
            && rest.HasValue;
        if (isPoll || path.StartsWithSegments("/api/v1/health", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string who = caller is null ? $"address:{context.Connection.RemoteIpAddress}" : $"user:{caller.Id}";
        RateDecision decision = limits.Take(
            "minute:" + who, settings.Current.Auth.RequestsPerMinute, HourlyLimits.Minute);
        Show(context, decision);
        return decision.IsGranted
            ? null
            : MemoProblem.TooMany(
                $"More than {decision.Limit} calls in a minute. Wait, then go on.", decision.Reset, ErrorCodes.RateLimited);
    }
}
