using Coach.Prometheus.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Serves the metrics page.</summary>
public static class CoachMetricsEndpointRouteBuilderExtensions
{
    private static readonly string[] PageTypes = ["text/plain", "application/openmetrics-text"];

    /// <summary>
    /// Serves the metrics page: Prometheus text or OpenMetrics 1.0.0 by <c>Accept</c>, gzip by <c>Accept-Encoding</c>,
    /// for GET and HEAD.
    /// </summary>
    /// <param name="endpoints">The host's routes.</param>
    /// <param name="pattern">The path; <c>/metrics</c> unless given.</param>
    /// <returns>The endpoint, to restrict it to a host, a port or a policy.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddCoachMetricsExporter</c> was not called.</exception>
    public static IEndpointConventionBuilder MapCoachMetrics(
        this IEndpointRouteBuilder endpoints, string pattern = "/metrics")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(
            typeof(MetricsEndpoint)) == false)
        {
            throw new InvalidOperationException(
                "MapCoachMetrics needs services.AddOpenTelemetry().WithMetrics(metrics => "
                + "metrics.AddCoachMetricsExporter()).");
        }

        // Found at the first request: wrong settings are then reported by the start-up checks, all together. The method
        // as metadata is what puts a plain delegate into an OpenAPI document.
        RequestDelegate handler = context =>
            context.RequestServices.GetRequiredService<MetricsEndpoint>().InvokeAsync(context);
        return endpoints.MapMethods(pattern, ["GET", "HEAD"], handler)
            .WithDisplayName("Coach metrics")
            .WithTags("Operations")
            .WithMetadata(
                handler.Method,
                new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), PageTypes),
                new ProducesResponseTypeMetadata(StatusCodes.Status406NotAcceptable, typeof(string), ["text/plain"])
                {
                    Description = "Accept-Encoding refuses both gzip and no coding",
                },
                new ProducesResponseTypeMetadata(
                    StatusCodes.Status503ServiceUnavailable, typeof(string), ["text/plain"])
                {
                    Description = "the page could not be made in time or within its size",
                });
    }
}
