using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Http;

/// <summary>
/// Whose pages may call: the server's own origin, and those of the same site that the host lists. The session's cookie
/// is <c>SameSite=Lax</c>, so pages of other sites could never use it.
/// </summary>
internal sealed class AllowedOrigins(IOptions<CoachCorsOptions> options)
{
    public const string Key = "Coach:Cors:AllowedOrigins";

    private readonly HashSet<string> _listed = new(
        options.Value.AllowedOrigins.Select(origin => origin.TrimEnd('/')), StringComparer.OrdinalIgnoreCase);

    public bool IsAllowed(HttpRequest request)
    {
        // Fetch Metadata (W3C): a browser sends it with every request, also with those that have no Origin.
        bool isListed = request.Headers.Origin is [{ } named] && _listed.Contains(named);
        if (request.Headers["Sec-Fetch-Site"].Any(site => !IsFromHere(site, isListed)))
        {
            return false;
        }

        return request.Headers.Origin switch
        {
            [] => true,
            [{ } origin] => isListed || IsOwn(origin, request),
            _ => false,
        };
    }

    private static bool IsOwn(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? from)
        && string.Equals(from.Scheme, request.Scheme, StringComparison.OrdinalIgnoreCase)
        && string.Equals(from.Authority, Authority(request), StringComparison.OrdinalIgnoreCase);

    // "none": the person, who typed the address. "same-site": another host of the same domain, which must be listed.
    private static bool IsFromHere(string? site, bool isListed) =>
        string.Equals(site, "same-origin", StringComparison.OrdinalIgnoreCase)
        || string.Equals(site, "none", StringComparison.OrdinalIgnoreCase)
        || (isListed && string.Equals(site, "same-site", StringComparison.OrdinalIgnoreCase));

    // Uri.Authority leaves the scheme's default port out, and so must the other side.
    private static string Authority(HttpRequest request)
    {
        bool isDefault = request.Host.Port is null
            || (request.IsHttps ? request.Host.Port == 443 : request.Host.Port == 80);
        return isDefault ? request.Host.Host : request.Host.Value ?? "";
    }
}
