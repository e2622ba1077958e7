using System.Security.Claims;
using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// The user and tenant that ASP.NET's authentication found (<c>sub</c> or the name identifier; <c>tid</c> or
/// <c>tenant</c>); the session alone where nobody is signed in, or nobody with an id.
/// </summary>
internal sealed class ClaimsCallerResolver : ICallerResolver
{
    private static readonly string[] UserClaims = [ClaimTypes.NameIdentifier, "sub"];
    private static readonly string[] TenantClaims =
        ["tid", "http://schemas.microsoft.com/identity/claims/tenantid", "tenant"];

    public ValueTask<CallerContext> ResolveAsync(
        HttpContext context, SessionId sessionId, CancellationToken cancellationToken = default)
    {
        ClaimsPrincipal principal = context.User;
        string? user = principal.Identity?.IsAuthenticated == true ? First(principal, UserClaims) : null;
        return ValueTask.FromResult(user is null
            ? new CallerContext(sessionId)
            : new CallerContext(sessionId, user, First(principal, TenantClaims)));
    }

    // An id that no store could keep is no id: such a caller is the session alone, rather than one of several with a
    // cut name.
    private static string? First(ClaimsPrincipal principal, string[] types) => types
        .Select(type => principal.FindFirst(type)?.Value)
        .FirstOrDefault(value => !string.IsNullOrWhiteSpace(value) && value.Length <= CallerContext.MaxIdLength);
}
