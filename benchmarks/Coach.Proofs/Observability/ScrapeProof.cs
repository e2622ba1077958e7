using System.Diagnostics;
using System.Text.Json;
using OpenTelemetry;
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
        using MeterProvider floor = Floor(host.MeterName, out Walker walker);
        host.Record(2);
        double text = await BestAsync(host, rounds, () => host.ScrapeAsync(Text));
        double openMetrics = await BestAsync(host, rounds, () => host.ScrapeAsync(OpenMetrics));
        double gzip = await BestAsync(host, rounds, () => host.ScrapeAsync(Text, gzip: true));
        double collection = await BestAsync(host, rounds, () =>
        {
            walker.Collect!(Timeout.Infinite);
            return Task.FromResult(0L);
        });
        Console.WriteLine($"the collection visited {walker.Seen} points");
        long allocated = Math.Max(await AllocatedAsync(host, Text), await AllocatedAsync(host, OpenMetrics));
        Console.WriteLine($"{host.Series} series; page {await host.ScrapeAsync(Text)} bytes, gzip {await host.ScrapeAsync(Text, gzip: true)} bytes");
        Console.WriteLine($"gzip {gzip / host.Series:0.0} ns a series; best of {rounds} rounds, all values changed before each");
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

    private static async Task<double> BestAsync(MetricsHost host, int rounds, Func<Task<long>> scrape)
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
            host.Record(round);
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

    // The same instruments collected by the SDK, each point and its tags visited, nothing written.
    private static MeterProvider Floor(string meterName, out Walker walker)
    {
        walker = new Walker();
        var reader = new BaseExportingMetricReader(walker) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative };
        return Sdk.CreateMeterProviderBuilder().AddMeter(meterName).SetMaxMetricStreams(20_000).AddReader(reader).Build();
    }

    [ExportModes(ExportModes.Pull)]
    private sealed class Walker : BaseExporter<Metric>, IPullMetricExporter
    {
        public Func<int, bool>? Collect { get; set; }

        public long Seen { get; private set; }

        public long KeyCharacters { get; private set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            Seen = 0;
            foreach (Metric metric in batch)
            {
                foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
                {
                    Seen++;
                    foreach (KeyValuePair<string, object?> tag in point.Tags)
                    {
                        KeyCharacters += tag.Key.Length;
                    }
                }
            }

            return ExportResult.Success;
        }
    }
}
