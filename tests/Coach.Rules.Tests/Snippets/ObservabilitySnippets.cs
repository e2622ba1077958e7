using Coach.Abstractions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Coach.Rules.Tests.Snippets;

internal static class ObservabilitySnippets
{
    public static WebApplication Host(WebApplicationBuilder builder)
    {
        #region observability-host
        builder.Services.AddCoachObservability(o => o.MetricPrefix = "coach")
            .AddCoachMetricsExporter()      // Coach.AspNetCore and Coach.Prometheus: the page behind MapCoachMetrics()
            .AddCoachHealthChecks();        // Coach.AspNetCore: the checks behind MapCoachHealth()

        WebApplication app = builder.Build();
        app.MapCoachMetrics();              // /metrics
        app.MapCoachHealth();               // /healthz, /readyz, /livez
        #endregion
        return app;
    }

    public static void OpenTelemetry(MeterProviderBuilder meters, TracerProviderBuilder traces)
    {
        #region observability-otlp
        meters.AddCoachInstrumentation()
            .AddView(instrument => instrument.Meter.Name.StartsWith("Coach.", StringComparison.Ordinal) && instrument.Name.StartsWith("coach.", StringComparison.Ordinal)
                ? new MetricStreamConfiguration { Name = "maya." + instrument.Name["coach.".Length..] }
                : null);
        traces.AddCoachInstrumentation();
        #endregion
    }

    public static void JsonLogs(WebApplicationBuilder builder)
    {
        #region json-logs
        builder.Logging.ClearProviders().AddCoachJsonConsole();
        #endregion
    }
}

#region component-health
internal sealed class QueueHealth(Func<int> waiting) : IComponentHealth
{
    public string Name => "queue";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(
        waiting() < 100
            ? new ComponentReport(ComponentState.Healthy, "the queue is short")
            : new ComponentReport(ComponentState.Degraded, "more than 100 jobs wait"));
}
#endregion
