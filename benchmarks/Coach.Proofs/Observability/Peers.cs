using Coach.Benchmarks.Observability;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Prometheus;

namespace Coach.Proofs.Observability;

/// <summary>
/// The exporters that a .NET host would use otherwise, over the same series in the same process: prometheus-net, which keeps them
/// itself, and OpenTelemetry's, which collects the same meter by a provider of its own. Each behind its own endpoint.
/// </summary>
internal sealed class Peers : IMetricsPeer, IDisposable
{
    public const string PrometheusNet = "/prometheus-net";
    public const string OpenTelemetry = "/opentelemetry";

    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly MetricFactory _factory;
    private readonly MeterProvider _provider;

    public Peers(string meterName)
    {
        _factory = Metrics.WithCustomRegistry(_registry);
        // Its page is kept for 300 ms unless told otherwise; here each scrape is a fresh one.
        _provider = MetricsHost.Listen(Sdk.CreateMeterProviderBuilder(), meterName)
            .SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddPrometheusExporter(o => o.ScrapeResponseCacheDurationMilliseconds = 0)
            .Build();
    }

    public void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMetrics(PrometheusNet, _registry);
        endpoints.MapPrometheusScrapingEndpoint(OpenTelemetry, _provider, null, null);
    }

    public Action<int, string[]> Counter(string name, string[] labels)
    {
        Counter counter = _factory.CreateCounter(name, "Requests.", labels);
        return (round, values) => counter.WithLabels(values).Inc(round + 17);
    }

    public Action<int, string[]> Gauge(string name, string[] labels)
    {
        Gauge gauge = _factory.CreateGauge(name, "Levels.", labels);
        return (round, values) => gauge.WithLabels(values).Set((round * 7919.25) + name.Length);
    }

    public Action<int, string[]> Histogram(string name, string[] labels, double[] bounds)
    {
        Histogram histogram = _factory.CreateHistogram(
            name, "Durations.", labels, new global::Prometheus.HistogramConfiguration { Buckets = bounds });
        return (round, values) => histogram.WithLabels(values).Observe((round % 100) * 0.0625);
    }

    public void Dispose() => _provider.Dispose();
}
