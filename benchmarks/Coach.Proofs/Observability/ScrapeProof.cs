using System.Diagnostics;
using System.Text.Json;
using Coach.Benchmarks.Observability;
using OpenTelemetry.Metrics;

namespace Coach.Proofs.Observability;

/// <summary>What one scrape costs: both formats and gzip through the whole pipeline, against the SDK's collection alone.</summary>
internal static class ScrapeProof
{
    private const string Text = "text/plain;version=0.0.4";
    private const string OpenMetrics = "application/openmetrics-text;version=1.0.0";

    public static async Task<int> RunAsync(int series, int rounds)
    {
        await using MetricsHost host = await MetricsHost.StartAsync(series);
        var walker = new Walker();
        using MeterProvider floor = host.Collect(walker);
        var straightforward = new StraightforwardWriter();
        using MeterProvider contender = host.Collect(straightforward);
        host.Record(2);
        double text = await BestAsync(host, rounds, () => host.ScrapeAsync(Text));
        double openMetrics = await BestAsync(host, rounds, () => host.ScrapeAsync(OpenMetrics));
        double gzip = await BestAsync(host, rounds, () => host.ScrapeAsync(Text, gzip: true));
        double still = await BestAsync(host, rounds, () => host.ScrapeAsync(Text), changes: false);
        double collection = await BestAsync(host, rounds, () => Task.FromResult(walker.Collect!(Timeout.Infinite) ? 1L : 0));
        double writer = await BestAsync(host, rounds, () => Task.FromResult(straightforward.Collect!(Timeout.Infinite) ? 1L : 0));
        long allocated = Math.Max(await AllocatedAsync(host, Text), await AllocatedAsync(host, OpenMetrics));
        Console.WriteLine($"{host.Series} series; page {await host.ScrapeAsync(Text)} bytes, gzip {await host.ScrapeAsync(Text, gzip: true)} bytes");
        Console.WriteLine($"best of {rounds} rounds, all values changed before each; text and OpenMetrics include the SDK's collection");
        Console.WriteLine($"ns a series: gzip {gzip / host.Series:0.0}; text with no value changed {still / host.Series:0.0}; StringBuilder writer {writer / host.Series:0.0}");
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            series = host.Series,
            textNsPerSeries = Math.Round(text / host.Series, 1),
            openMetricsNsPerSeries = Math.Round(openMetrics / host.Series, 1),
            gzipRatio = Math.Round(gzip / text, 2),
            allocatedBytes = allocated,
            floorNsPerSeries = Math.Round(collection / host.Series, 1),
        }));
        return 0;
    }

    private static async Task<double> BestAsync(MetricsHost host, int rounds, Func<Task<long>> scrape, bool changes = true)
    {
        // Until the compiler has settled: the first pages run unoptimised code.
        long warmUp = Stopwatch.GetTimestamp();
        for (int round = 0; round < 300 || Stopwatch.GetElapsedTime(warmUp) < TimeSpan.FromSeconds(2); round++)
        {
            host.Record(round);
            await scrape();
        }

        double best = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            if (changes)
            {
                host.Record(round);
            }

            long start = Stopwatch.GetTimestamp();
            await scrape();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }

        return best;
    }

    private static async Task<long> AllocatedAsync(MetricsHost host, string accept)
    {
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            host.Record(round);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await host.ScrapeAsync(accept);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }
}
