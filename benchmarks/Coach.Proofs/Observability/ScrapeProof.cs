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
        double[] best = await BestAsync(host, rounds,
        [
            () => host.ScrapeAsync(Text),
            () => host.ScrapeAsync(OpenMetrics),
            () => host.ScrapeAsync(Text, gzip: true),
            () => Task.FromResult(walker.Collect!(Timeout.Infinite) ? 1L : 0),
            () => Task.FromResult(straightforward.Collect!(Timeout.Infinite) ? 1L : 0),
        ]);
        (double text, double openMetrics, double gzip, double collection, double writer) = (best[0], best[1], best[2], best[3], best[4]);
        double still = (await BestAsync(host, rounds, [() => host.ScrapeAsync(Text)], changes: false))[0];
        long allocated = Math.Max(await AllocatedAsync(host, Text), await AllocatedAsync(host, OpenMetrics));
        Console.WriteLine($"{host.Series} series; page {await host.ScrapeAsync(Text)} bytes, gzip {await host.ScrapeAsync(Text, gzip: true)} bytes");
        Console.WriteLine($"best of {rounds} rounds, all values changed before each; text, OpenMetrics and the writer include the SDK's collection");
        Console.WriteLine($"ns a series: gzip {gzip / host.Series:0.0}; text with no value changed {still / host.Series:0.0}; StringBuilder writer {writer / host.Series:0.0}");
        Console.WriteLine($"ns a series without the collection: text {(text - collection) / host.Series:0.0}; OpenMetrics {(openMetrics - collection) / host.Series:0.0}");
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

    // In turns, so that a slow second of the machine falls on all; the first rounds run code that the compiler has yet to settle.
    private static async Task<double[]> BestAsync(MetricsHost host, int rounds, Func<Task<long>>[] contenders, bool changes = true)
    {
        double[] best = [.. contenders.Select(_ => double.MaxValue)];
        long warmUp = Stopwatch.GetTimestamp();
        int warm = 0;
        while (warm < 100 || Stopwatch.GetElapsedTime(warmUp) < TimeSpan.FromSeconds(5))
        {
            await RoundAsync(warm++, null);
        }

        for (int round = 0; round < rounds; round++)
        {
            await RoundAsync(warm + round, best);
        }

        return best;

        async Task RoundAsync(int round, double[]? results)
        {
            for (int i = 0; i < contenders.Length; i++)
            {
                if (changes)
                {
                    host.Record((round * contenders.Length) + i);
                }

                long start = Stopwatch.GetTimestamp();
                await contenders[i]();
                if (results is not null)
                {
                    results[i] = Math.Min(results[i], Stopwatch.GetElapsedTime(start).TotalNanoseconds);
                }
            }
        }
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
