using System.Security.Claims;
using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// The user and tenant that ASP.NET's authentication found (<c>sub</c> or the name identifier; <c>tid</c> or
/// <c>tenant</c>); the session alone where nobody is signed in.
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
        bool isSignedIn = principal.Identity?.IsAuthenticated == true;
        return ValueTask.FromResult(isSignedIn
            ? new CallerContext(sessionId, First(principal, UserClaims), First(principal, TenantClaims))
            : new CallerContext(sessionId));
    }

    // An id that no store could keep is no id: such a caller is the session alone, rather than one of several with a
    // cut name.
    private static string? First(ClaimsPrincipal principal, string[] types) => types
        .Select(type => principal.FindFirst(type)?.Value)
        .FirstOrDefault(value => !string.IsNullOrWhiteSpace(value) && value.Length <= CallerContext.MaxIdLength);
}
