using System.Net;
using Coach.Observability;
using Coach.Prometheus;
using Coach.Prometheus.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore.Tests;

/// <summary>A small host with everything of Coach.Observability, served in memory.</summary>
internal static class ObservedHost
{
    public static Task<MetricsHost> StartAsync(
        Action<WebApplicationBuilder>? build = null,
        Action<CoachMetricsOptions>? metrics = null,
        Action<WebApplication>? map = null,
        Dictionary<string, string?>? settings = null,
        Action<MeterProviderBuilder>? provider = null,
        TimeProvider? time = null) => MetricsHost.StartAsync(
            (builder, name) =>
            {
                build?.Invoke(builder);
                CoachObservabilityBuilder observability = builder.Services.AddCoachObservability();
                observability.AddCoachMetricsExporter(o =>
                {
                    o.HostMeters = false;
                    metrics?.Invoke(o);
                });
                observability.AddCoachHealthChecks();
                builder.Services.ConfigureOpenTelemetryMeterProvider(m =>
                {
                    m.AddMeter(name, name + ".2");
                    provider?.Invoke(m);
                });
            },
            app =>
            {
                app.Use((context, next) =>
                {
                    // What is served in memory has no addresses.
                    context.Connection.LocalIpAddress ??= IPAddress.Loopback;
                    context.Connection.RemoteIpAddress ??= IPAddress.Loopback;
                    return next(context);
                });
                app.UseCoachRequestIds();
                app.UseCoachSecurityHeaders();
                app.MapCoachMetrics();
                app.MapCoachHealth();
                map?.Invoke(app);
            },
            settings, time);
}
