using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace Chat;

/// <summary>
/// Traces, metrics and logs for a collector, by OpenTelemetry's standard variables (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>,
/// <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, <c>OTEL_SERVICE_NAME</c>, <c>OTEL_TRACES_SAMPLER</c> …). Without an endpoint
/// nothing is sent.
/// </summary>
internal static class OtlpExport
{
    private static readonly string[] Endpoints =
    [
        "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    ];

    public static void AddOtlpExport(this WebApplicationBuilder builder)
    {
        if (Endpoints.All(name => string.IsNullOrWhiteSpace(builder.Configuration[name])))
        {
            return;
        }

        builder.Services.Configure<OpenTelemetryLoggerOptions>(logs =>
            logs.IncludeScopes = logs.IncludeFormattedMessage = true);
        builder.Services.AddOpenTelemetry()
            .WithTracing(traces => traces
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddCoachInstrumentation())
            .UseOtlpExporter(); // adds logs and metrics, too
    }
}
