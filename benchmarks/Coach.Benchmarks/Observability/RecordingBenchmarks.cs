using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Observability;

/// <summary>What do a measurement that nobody listens to and a look at the container's memory, read within the last second, cost?</summary>
[MemoryDiagnoser]
public class RecordingBenchmarks
{
    private readonly Meter _meter = new("Bench.Recording");
    private Counter<long> _counter = null!;
    private Histogram<double> _histogram = null!;
    private ServiceProvider _services = null!;
    private IMemoryPressure _pressure = null!;
    private long _plain;

    [GlobalSetup]
    public void Setup()
    {
        _counter = _meter.CreateCounter<long>("bench.counter");
        _histogram = _meter.CreateHistogram<double>("bench.histogram");
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddCoachObservability(o => o.ReadingMaxAge = TimeSpan.FromMinutes(1));
        _services = services.BuildServiceProvider();
        _pressure = _services.GetRequiredService<IMemoryPressure>();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _meter.Dispose();
        _services.Dispose();
    }

    [Benchmark(Baseline = true)]
    public long InterlockedIncrement() => Interlocked.Increment(ref _plain);

    [Benchmark]
    public void CounterWithThreeTags() => _counter.Add(1, new("provider", "gemini"), new("status", "valid"), new("tier", "hybrid"));

    [Benchmark]
    public void HistogramWithThreeTags() => _histogram.Record(0.25, new("provider", "gemini"), new("status", "valid"), new("tier", "hybrid"));

    [Benchmark]
    public void HistogramWithoutTags() => _histogram.Record(0.25);

    [Benchmark]
    public bool CachedMemoryPressure() => _pressure.IsHigh;
}
