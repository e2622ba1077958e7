using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.Benchmarks.Observability;

/// <summary>What does one scrape cost, against a straightforward writer over the same collection and against the collection alone?</summary>
[MemoryDiagnoser]
public class ScrapeBenchmarks
{
    private const int LabelSets = 100;

    private readonly StringBuilderExporter _straightforward = new();
    private readonly NothingExporter _nothing = new();
    private WebApplication _app = null!;
    private InMemoryServer _server = null!;
    private MeterProvider _contenders = null!;

    [Params(1_000, 10_000)]
    public int Series { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        _server = new InMemoryServer();
        builder.Services.AddSingleton<IServer>(_server).AddRoutingCore().AddLogging();
        builder.Services.AddCoachObservability().AddCoachMetricsExporter(o => o.HostMeters = false);
        builder.Services.ConfigureOpenTelemetryMeterProvider(provider => provider.AddMeter("Bench"));
        _app = builder.Build();
        _app.MapCoachMetrics();
        await _app.StartAsync();
        _contenders = Sdk.CreateMeterProviderBuilder().AddMeter("Bench")
            .AddReader(new BaseExportingMetricReader(_straightforward)).AddReader(new BaseExportingMetricReader(_nothing)).Build();
        Meter meter = _app.Services.GetRequiredService<IMeterFactory>().Create("Bench");
        for (int family = 0; family < Series / LabelSets; family++)
        {
            Counter<long> counter = meter.CreateCounter<long>($"bench.requests.{family}", "{request}", "Requests.");
            for (int i = 0; i < LabelSets; i++)
            {
                counter.Add(1000 + (i * 17), new("provider", "gemini"), new("status", $"status-{i}"), new("region", "eu-west"));
            }
        }
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        _contenders.Dispose();
        await _app.DisposeAsync();
    }

    [Benchmark(Baseline = true)]
    public int StringBuilderWriter()
    {
        _straightforward.Collect!(Timeout.Infinite);
        return _straightforward.Length;
    }

    [Benchmark]
    public Task CoachText() => ScrapeAsync("text/plain");

    [Benchmark]
    public Task CoachOpenMetrics() => ScrapeAsync("application/openmetrics-text");

    [Benchmark]
    public Task CoachTextGzip() => ScrapeAsync("text/plain", "gzip");

    [Benchmark]
    public bool CollectionAlone() => _nothing.Collect!(Timeout.Infinite);

    private Task ScrapeAsync(string accept, string coding = "identity")
    {
        var features = new FeatureCollection();
        var request = new HttpRequestFeature { Method = "GET", Path = "/metrics", Protocol = "HTTP/1.1", Scheme = "http" };
        request.Headers.Accept = accept;
        request.Headers.AcceptEncoding = coding;
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        return _server.Process(features);
    }

    private sealed class InMemoryServer : IServer
    {
        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Func<IFeatureCollection, Task> Process { get; private set; } = _ => Task.CompletedTask;

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull
        {
            Process = async features =>
            {
                TContext context = application.CreateContext(features);
                await application.ProcessRequestAsync(context);
                application.DisposeContext(context, null);
            };
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }

    [ExportModes(ExportModes.Pull)]
    private sealed class NothingExporter : BaseExporter<Metric>, IPullMetricExporter
    {
        public Func<int, bool>? Collect { get; set; }

        public override ExportResult Export(in Batch<Metric> batch) => ExportResult.Success;
    }

    [ExportModes(ExportModes.Pull)]
    private sealed class StringBuilderExporter : BaseExporter<Metric>, IPullMetricExporter
    {
        private readonly StringBuilder _page = new();

        public Func<int, bool>? Collect { get; set; }

        public int Length { get; private set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            _page.Clear();
            foreach (Metric metric in batch)
            {
                string name = metric.Name.Replace('.', '_') + "_total";
                _page.Append("# HELP ").Append(name).Append(' ').Append(metric.Description).Append("\n# TYPE ").Append(name).Append(" counter\n");
                foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
                {
                    _page.Append(name).Append('{');
                    string separator = "";
                    foreach (KeyValuePair<string, object?> tag in point.Tags)
                    {
                        string value = (tag.Value?.ToString() ?? "").Replace("\\", "\\\\").Replace("\n", "\\n").Replace("\"", "\\\"");
                        _page.Append(separator).Append(tag.Key).Append("=\"").Append(value).Append('"');
                        separator = ",";
                    }

                    _page.Append("} ").Append(point.GetSumLong().ToString(CultureInfo.InvariantCulture)).Append('\n');
                }
            }

            Length = Encoding.UTF8.GetBytes(_page.ToString()).Length;
            return ExportResult.Success;
        }
    }
}
