using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Coach.Rules.Tests.Snippets;

internal static class PrometheusSnippets
{
    public static WebApplication Host(WebApplicationBuilder builder)
    {
        #region prometheus-host
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter("Orders")
            .AddCoachMetricsExporter(o => o.Prefixes["orders"] = "shop"));

        WebApplication app = builder.Build();
        app.MapCoachMetrics();              // /metrics
        #endregion
        return app;
    }
}
