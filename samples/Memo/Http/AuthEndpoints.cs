using System.Text.Json;
using Memo.Data;
using Memo.People;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Identity;

namespace Memo.Http;

/// <summary>Login, logout, session, token, password.</summary>
internal static class AuthEndpoints
{
    private const int MaxName = 50;
    private const int MaxPassword = 128;

    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder auth = api.MapGroup("/auth").WithTags("People");
        auth.MapPost("/login", LoginAsync).Produces<LoginResponse>();
        auth.MapPost("/logout", LogoutAsync).Produces(StatusCodes.Status204NoContent);
        auth.MapPost("/token", TokenAsync).Produces<TokenResponse>();
        RouteGroupBuilder users = auth.MapGroup("").ForUsers();
        users.MapGet("/session", Session).Produces<SessionResponse>();
        users.MapPost("/password", PasswordAsync).Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> LoginAsync(
        HttpContext context, MemoOptions options, LoginService logins, SessionStore sessions, AuditLog audit)
    {
        if (!options.AuthEnabled)
        {
            return Results.Json(new LoginResponse(true), MemoJson.Options);
        }

        (MemoUser? user, MemoProblem? problem) = await CheckAsync(context, logins, audit).ConfigureAwait(false);
        if (user is null)
        {
            return problem!;
        }

        // A session that was there before ends: nobody can have planted it.
        if (context.Items[typeof(Caller)] is Caller { SessionHash: { } old })
        {
            await sessions.EndAsync(old, context.RequestAborted).ConfigureAwait(false);
        }

        string token = await sessions.CreateAsync(user.Id, context.RequestAborted).ConfigureAwait(false);
        SetCookie(context, token, TimeSpan.FromDays(1));
        await audit.AddAsync(user.Name, "login", user.Name).ConfigureAwait(false);
        return Results.Json(new LoginResponse(user.IsAdmin), MemoJson.Options);
    }

    private static async Task<IResult> TokenAsync(
        HttpContext context, MemoOptions options, LoginService logins, TokenIssuer tokens, AuditLog audit,
        UserManager<MemoUser> users)
    {
        if (!options.AuthEnabled)
        {
            return new MemoProblem(
                StatusCodes.Status409Conflict, MemoProblem.Conflict,
                "Without login no token is needed. Start with AUTH_ENABLED=true to have users.");
        }

        // A session has shown a password already; a token does not give another one.
        bool hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != false;
        MemoUser? user = !hasBody && context.Items[typeof(Caller)] is Caller { SessionHash: not null } session
            ? await users.FindByIdAsync(session.Id).ConfigureAwait(false)
            : null;
        MemoProblem? problem = null;
        if (user is null)
        {
            (user, problem) = await CheckAsync(context, logins, audit).ConfigureAwait(false);
        }

        return user is null
            ? problem!
            : Results.Json(
                new TokenResponse(tokens.Issue(user), "Bearer", (int)TokenIssuer.Lifetime.TotalSeconds), MemoJson.Options);
    }

    private static async Task<(MemoUser? User, MemoProblem? Problem)> CheckAsync(
        HttpContext context, LoginService logins, AuditLog audit)
    {
        (JsonElement body, MemoProblem? problem) = await JsonBody.ReadAsync(context).ConfigureAwait(false);
        if (problem is not null)
        {
            return (null, problem);
        }

        (string name, problem) = JsonBody.Text(body, "username");
        (string password, MemoProblem? second) = JsonBody.Text(body, "password");
        problem ??= second;
        if (problem is not null)
        {
            return (null, problem);
        }

        if (name.Length is 0 or > MaxName || password.Length is 0 or > MaxPassword)
        {
            return (null, Wrong());
        }

        LoginOutcome outcome = await logins.LoginAsync(name, password).ConfigureAwait(false);
        if (outcome.User is not null)
        {
            return (outcome.User, null);
        }

        if (outcome.Limit.IsGranted)
        {
            await audit.AddAsync("", "login-failed", "").ConfigureAwait(false);
            return (null, Wrong());
        }

        GatekeeperMiddleware.Show(context, outcome.Limit);
        return (null, MemoProblem.TooMany(
            "Too many tries with this name. Wait, then try again.", outcome.Limit.Reset));
    }

    private static MemoProblem Wrong() => new(
        StatusCodes.Status401Unauthorized, MemoProblem.CredentialsInvalid, "The name or the password is wrong.");

    private static async Task<IResult> LogoutAsync(HttpContext context, SessionStore sessions)
    {
        if (context.Items[typeof(Caller)] is Caller { SessionHash: { } hash })
        {
            await sessions.EndAsync(hash, context.RequestAborted).ConfigureAwait(false);
        }

        SetCookie(context, "", TimeSpan.Zero);
        return Results.NoContent();
    }

    private static IResult Session(HttpContext context)
    {
        Caller caller = context.Caller();
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(new SessionResponse(caller.Name, caller.IsAdmin, caller.Csrf ?? ""), MemoJson.Options);
    }

    private static async Task<IResult> PasswordAsync(
        HttpContext context, MemoOptions options, UserManager<MemoUser> users, LoginService logins, SessionStore sessions,
        AuditLog audit)
    {
        Caller caller = context.Caller();
        (JsonElement body, MemoProblem? problem) = await JsonBody.ReadAsync(context).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        (string current, problem) = JsonBody.Text(body, "current");
        (string next, MemoProblem? second) = JsonBody.Text(body, "new");
        if ((problem ?? second) is { } wrong)
        {
            return wrong;
        }

        if (!options.AuthEnabled || next.Length > MaxPassword || current.Length > MaxPassword)
        {
            return MemoProblem.Invalid($"A password has {MaxPassword} characters at most.", "new");
        }

        LoginOutcome outcome = await logins.LoginAsync(caller.Name, current).ConfigureAwait(false);
        if (outcome.User is null)
        {
            return outcome.Limit.IsGranted
                ? Wrong()
                : MemoProblem.TooMany("Too many tries. Wait, then try again.", outcome.Limit.Reset);
        }

        IdentityResult result = await users.ChangePasswordAsync(outcome.User, current, next).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            return MemoProblem.Invalid(string.Join(' ', result.Errors.Select(error => error.Description)), "new");
        }

        await sessions.EndAllAsync(caller.Id, context.RequestAborted).ConfigureAwait(false);
        await audit.AddAsync(caller.Name, "password-changed", caller.Name).ConfigureAwait(false);
        SetCookie(context, "", TimeSpan.Zero);
        return Results.NoContent();
    }

    private static void SetCookie(HttpContext context, string value, TimeSpan lifetime)
    {
        bool isHttps = context.Request.IsHttps;
        context.Response.Cookies.Append(
            isHttps ? GatekeeperMiddleware.SecureCookie : GatekeeperMiddleware.Cookie, value, new CookieOptions
            {
                HttpOnly = true,
                Secure = isHttps,
                SameSite = SameSiteMode.Lax,
                Path = "/",
                MaxAge = lifetime,
                IsEssential = true,
            });
    }

    internal sealed record LoginResponse(bool IsAdmin);

    internal sealed record TokenResponse(string Token, string TokenType, int ExpiresIn);

    internal sealed record SessionResponse(string User, bool IsAdmin, string CsrfToken);
}
