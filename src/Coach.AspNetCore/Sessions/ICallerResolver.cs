using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore;

/// <summary>
/// Says who a request's caller is, once a request. Register another one to take users and tenants from somewhere else;
/// what a body or a query says is not to be believed.
/// </summary>
/// <remarks>Called concurrently.</remarks>
public interface ICallerResolver
{
    /// <summary>Resolves the caller of a request that has a session.</summary>
    /// <param name="context">The request, after authentication.</param>
    /// <param name="sessionId">Its session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The caller.</returns>
    ValueTask<CallerContext> ResolveAsync(
        HttpContext context, SessionId sessionId, CancellationToken cancellationToken = default);
}
