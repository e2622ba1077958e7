using System.Globalization;
using BenchmarkDotNet.Attributes;
using OpenTelemetry.Metrics;

namespace Coach.Benchmarks.Observability;

/// <summary>
/// What does one scrape cost, against a straightforward writer over the same collection and against the collection alone? Half of
/// the series are counters, a quarter gauges, a quarter lines of histograms; every value changes before each scrape.
/// </summary>
/// <remarks>
/// One scrape is one iteration, so the figures need many: <c>--warmupCount 60 --iterationCount 60</c>. The environment variable
/// <c>COACH_BENCHMARK_SERIES</c> names other page sizes, as in <c>1000,100000</c>.
/// </remarks>
[MemoryDiagnoser]
public class ScrapeBenchmarks
{
    private readonly StraightforwardWriter _straightforward = new();
    private readonly Walker _walker = new();
    private readonly List<MeterProvider> _contenders = [];
    private MetricsHost _host = null!;
    private int _round;

    public static IEnumerable<int> PageSizes =>
        (Environment.GetEnvironmentVariable("COACH_BENCHMARK_SERIES") ?? "1000,10000").Split(',').Select(size => int.Parse(size, CultureInfo.InvariantCulture));

    [ParamsSource(nameof(PageSizes))]
    public int Series { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _host = await MetricsHost.StartAsync(Series, "Bench");
        _contenders.AddRange([_host.Collect(_straightforward), _host.Collect(_walker)]);
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        _contenders.ForEach(provider => provider.Dispose());
        await _host.DisposeAsync();
    }

    [IterationSetup]
    public void ChangeEveryValue() => _host.Record(_round++);

    [Benchmark(Baseline = true)]
    public bool StringBuilderWriter() => _straightforward.Collect!(Timeout.Infinite);

    [Benchmark]
    public Task<long> CoachText() => _host.ScrapeAsync("text/plain");

    [Benchmark]
    public Task<long> CoachOpenMetrics() => _host.ScrapeAsync("application/openmetrics-text");

    [Benchmark]
    public Task<long> CoachTextGzip() => _host.ScrapeAsync("text/plain", gzip: true);

    [Benchmark]
    public bool CollectionAlone() => _walker.Collect!(Timeout.Infinite);
}
