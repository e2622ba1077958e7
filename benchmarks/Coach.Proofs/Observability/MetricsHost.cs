using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.Benchmarks.Observability;

/// <summary>
/// A host with the metrics page over a given number of series, called without a socket: the whole ASP.NET Core pipeline runs,
/// the bytes are counted and dropped.
/// </summary>
internal sealed class MetricsHost : IAsyncDisposable
{
    private const int LabelSetsPerFamily = 100;
    private static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

    private readonly WebApplication _app;
    private readonly InMemoryServer _server;
    private readonly Meter _meter;
    private readonly List<Action<int>> _record = [];

    private MetricsHost(WebApplication app, InMemoryServer server, string meterName)
    {
        _app = app;
        _server = server;
        _meter = app.Services.GetRequiredService<IMeterFactory>().Create(meterName);
    }

    /// <summary>Lines with a value on the page.</summary>
    public int Series { get; private set; }

    public string MeterName => _meter.Name;

    public static async Task<MetricsHost> StartAsync(int series, string meterName = "Proof")
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var server = new InMemoryServer();
        builder.Services.AddSingleton<IServer>(server);
        builder.Services.AddRoutingCore();
        builder.Services.AddLogging();
        builder.Services.AddCoachObservability().AddCoachMetricsExporter(o => o.HostMeters = false).AddCoachHealthChecks();
        builder.Services.ConfigureOpenTelemetryMeterProvider(provider => Listen(provider, meterName));
        WebApplication app = builder.Build();
        app.MapCoachMetrics();
        await app.StartAsync();
        var host = new MetricsHost(app, server, meterName);
        host.Fill(series);
        return host;
    }

    /// <summary>A contender that collects the same series by a provider of its own.</summary>
    public MeterProvider Collect(BaseExporter<Metric> exporter) => Listen(Sdk.CreateMeterProviderBuilder(), MeterName)
        .AddReader(new BaseExportingMetricReader(exporter) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative }).Build();

    /// <summary>Changes every value.</summary>
    public void Record(int round)
    {
        foreach (Action<int> record in _record)
        {
            record(round);
        }
    }

    public async Task<long> ScrapeAsync(string accept, bool gzip = false)
    {
        var body = new CountingStream();
        var features = new FeatureCollection();
        var request = new HttpRequestFeature { Method = "GET", Path = "/metrics", Protocol = "HTTP/1.1", Scheme = "http" };
        request.Headers.Accept = accept;
        if (gzip)
        {
            request.Headers.AcceptEncoding = "gzip";
        }

        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        await _server.Process(features);
        return body.Bytes;
    }

    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await _app.DisposeAsync();
    }

    private static MeterProviderBuilder Listen(MeterProviderBuilder provider, string meterName) => provider.AddMeter(meterName).SetMaxMetricStreams(20_000)
        .AddView(instrument => instrument.Meter.Name != meterName ? null
            : instrument is Histogram<double> ? new ExplicitBucketHistogramConfiguration { Boundaries = Bounds, CardinalityLimit = LabelSetsPerFamily + 1 }
            : new MetricStreamConfiguration { CardinalityLimit = LabelSetsPerFamily + 1 });

    // Half counters, a quarter gauges, a quarter lines of histograms; three labels each.
    private void Fill(int series)
    {
        int perHistogramFamily = LabelSetsPerFamily * (Bounds.Length + 3);
        while (Series < series)
        {
            int family = _record.Count;
            if (Series < series / 2)
            {
                Counter<long> counter = _meter.CreateCounter<long>($"proof.requests.{family}", "{request}", "Requests.");
                _record.Add(round => ForEach(family, tags => counter.Add(round + 17, tags)));
                Series += LabelSetsPerFamily;
            }
            else if (Series < series * 3 / 4 || series - Series < perHistogramFamily)
            {
                Gauge<double> gauge = _meter.CreateGauge<double>($"proof.level.{family}", "By", "Levels.");
                _record.Add(round => ForEach(family, tags => gauge.Record((round * 7919.25) + family, tags)));
                Series += LabelSetsPerFamily;
            }
            else
            {
                Histogram<double> histogram = _meter.CreateHistogram<double>($"proof.duration.{family}", "s", "Durations.");
                _record.Add(round => ForEach(family, tags => histogram.Record((round % 100) * 0.0625, tags)));
                Series += perHistogramFamily;
            }
        }

        Record(1);
    }

    private static void ForEach(int family, Action<ReadOnlySpan<KeyValuePair<string, object?>>> record)
    {
        for (int i = 0; i < LabelSetsPerFamily; i++)
        {
            KeyValuePair<string, object?>[] tags =
            [
                new("provider", Providers[i % Providers.Length]), new("status", Statuses[i]), new("region", "eu-west"),
            ];
            record(tags);
        }
    }

    private static readonly string[] Providers = ["gemini", "openai", "anthropic", "openrouter"];
    private static readonly string[] Statuses = [.. Enumerable.Range(0, LabelSetsPerFamily).Select(i => $"status-{i}")];

    private delegate void Action<T1>(T1 value)
        where T1 : allows ref struct;

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

    private sealed class CountingStream : Stream
    {
        public long Bytes { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Bytes;

        public override long Position { get => Bytes; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Bytes += count;

        public override void Write(ReadOnlySpan<byte> buffer) => Bytes += buffer.Length;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Bytes += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
