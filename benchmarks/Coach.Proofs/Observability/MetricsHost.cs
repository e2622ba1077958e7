using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
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
    private readonly List<Action<int>> _peers = [];
    private readonly List<string> _kinds = [];

    private MetricsHost(WebApplication app, InMemoryServer server, string meterName)
    {
        _app = app;
        _server = server;
        _meter = app.Services.GetRequiredService<IMeterFactory>().Create(meterName);
    }

    /// <summary>Lines with a value on the page.</summary>
    public int Series { get; private set; }

    public string MeterName => _meter.Name;

    public static async Task<MetricsHost> StartAsync(
        int series, string meterName = "Proof", Action<IEndpointRouteBuilder>? map = null)
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
        map?.Invoke(app);
        await app.StartAsync();
        var host = new MetricsHost(app, server, meterName);
        host.Fill(series);
        return host;
    }

    /// <summary>A contender that collects the same series by a provider of its own.</summary>
    public MeterProvider Collect(BaseExporter<Metric> exporter) => Listen(Sdk.CreateMeterProviderBuilder(), MeterName)
        .AddReader(new BaseExportingMetricReader(exporter) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative }).Build();

    /// <summary>Whether each measurement is made in a sampled trace of its own, so that it may leave an exemplar.</summary>
    public bool IsTraced { get; set; }

    /// <summary>Has the same series recorded by somebody else, too: family by family, as they are filled.</summary>
    public void AddPeer(IMetricsPeer peer)
    {
        int family = 0;
        foreach (string kind in _kinds)
        {
            string name = $"proof_{kind}_{family++}";
            Action<int, string[]> record = kind switch
            {
                "counter" => peer.Counter(name, LabelNames),
                "gauge" => peer.Gauge(name, LabelNames),
                _ => peer.Histogram(name, LabelNames, Bounds),
            };
            _peers.Add(round => ForEachLabels(labels => record(round, labels)));
        }

        Record(1);
    }

    /// <summary>Changes every value.</summary>
    public void Record(int round)
    {
        foreach (Action<int> record in _record.Concat(_peers))
        {
            record(round);
        }
    }

    public async Task<long> ScrapeAsync(string accept, bool gzip = false, string path = "/metrics")
    {
        var body = new CountingStream();
        var features = new FeatureCollection();
        var request = new HttpRequestFeature { Method = "GET", Path = path, Protocol = "HTTP/1.1", Scheme = "http" };
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

    /// <summary>What every contender of this benchmark listens to.</summary>
    public static MeterProviderBuilder Listen(MeterProviderBuilder provider, string meterName) => provider.AddMeter(meterName).SetMaxMetricStreams(20_000)
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
                _kinds.Add("counter");
                Counter<long> counter = _meter.CreateCounter<long>($"proof.requests.{family}", "{request}", "Requests.");
                _record.Add(round => ForEach(tags => counter.Add(round + 17, tags)));
                Series += LabelSetsPerFamily;
            }
            else if (Series < series * 3 / 4 || series - Series < perHistogramFamily)
            {
                _kinds.Add("gauge");
                Gauge<double> gauge = _meter.CreateGauge<double>($"proof.level.{family}", "By", "Levels.");
                _record.Add(round => ForEach(tags => gauge.Record((round * 7919.25) + family, tags)));
                Series += LabelSetsPerFamily;
            }
            else
            {
                _kinds.Add("histogram");
                Histogram<double> histogram = _meter.CreateHistogram<double>($"proof.duration.{family}", "s", "Durations.");
                _record.Add(round => ForEach(tags => histogram.Record((round % 100) * 0.0625, tags)));
                Series += perHistogramFamily;
            }
        }

        Record(1);
    }

    private void ForEach(Action<ReadOnlySpan<KeyValuePair<string, object?>>> record) => ForEachLabels(labels =>
    {
        KeyValuePair<string, object?>[] tags =
            [new(LabelNames[0], labels[0]), new(LabelNames[1], labels[1]), new(LabelNames[2], labels[2])];
        record(tags);
    });

    private void ForEachLabels(Action<string[]> record)
    {
        foreach (string[] labels in LabelSets)
        {
            using Activity? trace = IsTraced ? Trace() : null;
            record(labels);
        }
    }

    private static Activity Trace()
    {
        var activity = new Activity("measure");
        activity.SetIdFormat(ActivityIdFormat.W3C);
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        return activity.Start();
    }

    private static readonly string[] LabelNames = ["provider", "status", "region"];
    private static readonly string[] Providers = ["gemini", "openai", "anthropic", "openrouter"];
    private static readonly string[][] LabelSets =
        [.. Enumerable.Range(0, LabelSetsPerFamily).Select(i => new[] { Providers[i % Providers.Length], $"status-{i}", "eu-west" })];

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

/// <summary>Another library that keeps the same series by itself. What it returns records one value.</summary>
internal interface IMetricsPeer
{
    Action<int, string[]> Counter(string name, string[] labels);

    Action<int, string[]> Gauge(string name, string[] labels);

    Action<int, string[]> Histogram(string name, string[] labels, double[] bounds);
}
