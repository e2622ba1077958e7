using Coach.AspNetCore.Health;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Serves the health endpoints.</summary>
public static class CoachHealthEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps <c>/healthz</c> and <c>/readyz</c> (200 <c>ok</c>, or 503 <c>unhealthy: reason, reason</c>; JSON for
    /// <c>Accept: application/json</c>) and <c>/livez</c>, which asks nothing outside the process. GET and HEAD only.
    /// </summary>
    /// <param name="endpoints">The host's routes.</param>
    /// <param name="detailPolicy">
    /// The authorization policy that a caller must meet to see each check in the JSON; others, or all without an
    /// authorization service, see the overall status only. Null: the JSON answers on the port
    /// <c>Coach:Observability:Port</c>; where none is set, only callers on this machine that came through no proxy;
    /// everyone else 404.
    /// </param>
    /// <returns>The three endpoints together.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddCoachHealthChecks</c> was not called.</exception>
    public static IEndpointConventionBuilder MapCoachHealth(
        this IEndpointRouteBuilder endpoints, string? detailPolicy = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(
            typeof(HealthReporter)) == false)
        {
            throw new InvalidOperationException(
                "MapCoachHealth needs services.AddCoachObservability().AddCoachHealthChecks().");
        }

        RouteGroupBuilder group = endpoints.MapGroup("").WithMetadata(OperationsMetadata.Instance);
        new HealthEndpoint(detailPolicy).Map(group);
        return group;
    }
}
