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

    public static async Task<int> RunAsync(int series, int rounds, bool withPeers)
    {
        using Peers? peers = withPeers ? new Peers("Proof") : null;
        await using MetricsHost host = await MetricsHost.StartAsync(series, map: endpoints => peers?.Map(endpoints));
        if (peers is not null)
        {
            host.AddPeer(peers);
        }

        List<(string Name, double Value)> figures = [];
        void Figure(string name, double value, int decimals = 1) => figures.Add((name, Math.Round(value, decimals)));

        var walker = new Walker();
        var straightforward = new StraightforwardWriter();
        double[] best;
        using (host.Collect(walker))
        using (host.Collect(straightforward))
        {
            host.Record(2);
            best = await BestAsync(host, rounds,
            [
                () => host.ScrapeAsync(Text),
                () => host.ScrapeAsync(OpenMetrics),
                () => host.ScrapeAsync(Text, gzip: true),
                () => Task.FromResult(walker.Collect!(Timeout.Infinite) ? 1L : 0),
                () => Task.FromResult(straightforward.Collect!(Timeout.Infinite) ? 1L : 0),
                .. PeersOf(host, withPeers),
            ]);
        }

        (double text, double openMetrics, double gzip, double collection, double writer) = (best[0], best[1], best[2], best[3], best[4]);
        double still = (await BestAsync(host, rounds, [() => host.ScrapeAsync(Text)], changes: false))[0];
        long allocated = Math.Max(await AllocatedAsync(host, Text), await AllocatedAsync(host, OpenMetrics));
        Console.WriteLine($"{host.Series} series; page {await host.ScrapeAsync(Text)} bytes, gzip {await host.ScrapeAsync(Text, gzip: true)} bytes");
        Console.WriteLine($"best of {rounds} rounds, all values changed before each; text, OpenMetrics and the writer include the SDK's collection");
        Console.WriteLine($"ns a series: gzip {gzip / host.Series:0.0}; text with no value changed {still / host.Series:0.0}; StringBuilder writer {writer / host.Series:0.0}");
        Console.WriteLine($"ns a series without the collection: text {(text - collection) / host.Series:0.0}; OpenMetrics {(openMetrics - collection) / host.Series:0.0}");
        Figure("series", host.Series);
        Figure("textNsPerSeries", text / host.Series);
        Figure("openMetricsNsPerSeries", openMetrics / host.Series);
        Figure("gzipRatio", gzip / text, 2);
        Figure("allocatedBytes", allocated);
        Figure("floorNsPerSeries", collection / host.Series);
        Figure("stillNsPerSeries", still / host.Series);
        if (withPeers)
        {
            AddPeers("", best[5..]);
            Figure("textTimesPrometheusNet", best[5] / text, 2);
            Figure("openMetricsTimesPrometheusNet", best[6] / openMetrics, 2);
        }

        // Again, with each measurement in a sampled trace: every counter and one bucket of each histogram has an exemplar.
        host.IsTraced = true;
        host.Record(3);
        best = await BestAsync(
            host, rounds, [() => host.ScrapeAsync(Text), () => host.ScrapeAsync(OpenMetrics), .. PeersOf(host, withPeers)]);
        double quiet = (await BestAsync(host, rounds, [() => host.ScrapeAsync(OpenMetrics)], changes: false))[0];
        Figure("exemplarTextNsPerSeries", best[0] / host.Series);
        Figure("exemplarOpenMetricsNsPerSeries", best[1] / host.Series);
        Figure("exemplarStillNsPerSeries", quiet / host.Series);
        Figure("exemplarRatio", best[1] / best[0], 2);
        Figure("exemplarAllocatedBytes", await AllocatedAsync(host, OpenMetrics));
        if (withPeers)
        {
            AddPeers("exemplar", best[2..]);
            Figure("exemplarOpenMetricsTimesPrometheusNet", best[3] / best[1], 2);
        }

        Console.WriteLine(JsonSerializer.Serialize(figures.ToDictionary(figure => figure.Name, figure => figure.Value)));
        return 0;

        void AddPeers(string prefix, double[] times)
        {
            string[] names =
            [
                "prometheusNetText", "prometheusNetOpenMetrics", "openTelemetryText", "openTelemetryOpenMetrics",
            ];
            for (int i = 0; i < names.Length; i++)
            {
                string name = prefix.Length == 0 ? names[i] : prefix + char.ToUpperInvariant(names[i][0]) + names[i][1..];
                Figure(name + "NsPerSeries", times[i] / host.Series);
            }
        }
    }

    private static Func<Task<long>>[] PeersOf(MetricsHost host, bool withPeers) => !withPeers ? [] :
    [
        () => host.ScrapeAsync(Text, path: Peers.PrometheusNet),
        () => host.ScrapeAsync(OpenMetrics, path: Peers.PrometheusNet),
        () => host.ScrapeAsync(Text, path: Peers.OpenTelemetry),
        () => host.ScrapeAsync(OpenMetrics, path: Peers.OpenTelemetry),
    ];

    // In turns, so that a slow second of the machine falls on all; the first rounds run code that the compiler has yet to settle.
    private static async Task<double[]> BestAsync(MetricsHost host, int rounds, Func<Task<long>>[] contenders, bool changes = true)
    {
        double[] best = [.. contenders.Select(_ => double.MaxValue)];
        long warmUp = Stopwatch.GetTimestamp();
        int warm = 0;
        while (warm < 30 || Stopwatch.GetElapsedTime(warmUp) < TimeSpan.FromSeconds(5))
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
                long bytes = await contenders[i]();
                if (bytes == 0)
                {
                    throw new InvalidOperationException($"Contender {i} gave nothing.");
                }

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
