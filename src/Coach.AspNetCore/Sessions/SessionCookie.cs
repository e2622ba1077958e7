using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// How the session travels: no script reads it, no other site sends it, and over HTTPS nobody overhears it.
/// </summary>
internal static class SessionCookie
{
    public static CookieOptions OptionsFor(HttpRequest request) => new()
    {
        HttpOnly = true,
        IsEssential = true,
        Path = "/",
        SameSite = SameSiteMode.Lax,
        Secure = request.IsHttps,
    };
}
