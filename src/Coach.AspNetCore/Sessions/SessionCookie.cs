using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// How the session travels: no script reads it, no other site sends it, and over HTTPS nobody overhears it, nor sets
/// one for the browser (RFC 6265bis §4.1.3: a name that only a secure answer of this very host can set).
/// </summary>
internal static class SessionCookie
{
    private const string HostPrefix = "__Host-";
    private const string SecurePrefix = "__Secure-";

    /// <summary>The name over this connection: with a prefix over HTTPS.</summary>
    public static string NameFor(HttpRequest request, string name)
    {
        if (!request.IsHttps || IsPrefixed(name))
        {
            return name;
        }

        // A cookie of a path may not be a __Host- one.
        return (request.PathBase.HasValue ? SecurePrefix : HostPrefix) + name;
    }

    /// <summary>
    /// The cookie's value under its name; under the one without a prefix where there is no other, since version 0.1.0
    /// knew no prefixes.
    /// </summary>
    public static string? Find(HttpRequest request, string name, out bool isOldName)
    {
        string current = NameFor(request, name);
        bool isThere = request.Cookies.TryGetValue(current, out string? value);
        isOldName = !isThere && current != name && request.Cookies.TryGetValue(name, out value);
        return value;
    }

    /// <summary>Whether the request carries the name that counts more than once, with different values.</summary>
    public static bool IsAmbiguous(HttpRequest request, string name)
    {
        string start = NameFor(request, name) + "=";
        string? first = null;
        foreach (string? header in request.Headers.Cookie)
        {
            foreach (string pair in (header ?? "").Split(';', StringSplitOptions.TrimEntries))
            {
                if (!pair.StartsWith(start, StringComparison.Ordinal))
                {
                    continue;
                }

                if (first is not null && first != pair)
                {
                    return true;
                }

                first = pair;
            }
        }

        return false;
    }

    /// <summary>Sets it in place of whatever this answer would have set.</summary>
    public static void Append(HttpContext context, string name, string value)
    {
        string current = NameFor(context.Request, name);
        Withdraw(context.Response, current);
        context.Response.Cookies.Append(current, value, OptionsFor(context.Request));
    }

    /// <summary>Deletes it, under every name that the browser may hold.</summary>
    public static void Delete(HttpContext context, string name)
    {
        string current = NameFor(context.Request, name);
        Withdraw(context.Response, current);
        context.Response.Cookies.Delete(current, OptionsFor(context.Request));
        if (current != name && context.Request.Cookies.ContainsKey(name))
        {
            CookieOptions old = OptionsFor(context.Request);
            old.Path = "/";
            context.Response.Cookies.Delete(name, old);
        }
    }

    /// <summary>Whether this answer sets or deletes it.</summary>
    public static bool IsSet(HttpContext context, string name)
    {
        string start = NameFor(context.Request, name) + "=";
        return context.Response.Headers.SetCookie.Any(
            cookie => cookie?.StartsWith(start, StringComparison.Ordinal) == true);
    }

    private static void Withdraw(HttpResponse response, string name)
    {
        string start = name + "=";
        string?[] others =
        [
            .. response.Headers.SetCookie.Where(
                cookie => cookie?.StartsWith(start, StringComparison.Ordinal) != true),
        ];
        response.Headers.SetCookie = others;
    }

    private static bool IsPrefixed(string name) =>
        name.StartsWith(HostPrefix, StringComparison.OrdinalIgnoreCase)
        || name.StartsWith(SecurePrefix, StringComparison.OrdinalIgnoreCase);

    private static CookieOptions OptionsFor(HttpRequest request) => new()
    {
        HttpOnly = true,
        IsEssential = true,
        Path = request.PathBase.HasValue ? request.PathBase.Value : "/",
        SameSite = SameSiteMode.Lax,
        Secure = request.IsHttps,
    };
}
