using System.Diagnostics.Metrics;
using System.Globalization;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests.Collection;

/// <summary>Exponential histograms, which neither format knows, as classic ones with bounds at powers of two.</summary>
public sealed class ExponentialBucketsTests
{
    private static Task<MetricsHost> StartAsync(int maxSize = 160) => MetricsHost.StartAsync(
        provider: provider => provider.AddView("t.*", new Base2ExponentialBucketHistogramConfiguration { MaxSize = maxSize }));

    [Fact]
    public async Task Exponential_IsExactAtPowersOfTwo()
    {
        await using MetricsHost host = await StartAsync();
        Histogram<double> histogram = host.Meter.CreateHistogram<double>("t.h", "s", "H.");
        foreach (double value in new[] { 0, 0.3, 0.5, 0.7, 1, 1.5, 2, 2.0001, 4 })
        {
            histogram.Record(value, new KeyValuePair<string, object?>("k", "v"));
        }

        string[] expected =
        [
            "t_h_seconds_bucket{k=\"v\",le=\"0.5\"} 3", "t_h_seconds_bucket{k=\"v\",le=\"1.0\"} 5", "t_h_seconds_bucket{k=\"v\",le=\"2.0\"} 7",
            "t_h_seconds_bucket{k=\"v\",le=\"4.0\"} 9", "t_h_seconds_bucket{k=\"v\",le=\"+Inf\"} 9", "t_h_seconds_sum{k=\"v\"} 12.0001", "t_h_seconds_count{k=\"v\"} 9",
        ];
        Assert.Equal(expected, Samples(await host.ScrapeAsync(openMetrics: true)));
        Assert.Equal(expected, Samples(await host.ScrapeAsync()));
    }

    [Fact]
    public async Task Exponential_WhenTheRangeGrows_KeepsItsBoundsAndGetsMore()
    {
        await using MetricsHost host = await StartAsync();
        Histogram<double> histogram = host.Meter.CreateHistogram<double>("t.h");
        histogram.Record(1.5, new KeyValuePair<string, object?>("k", "a"));
        Assert.Equal(["2.0", "+Inf"], Bounds(await host.ScrapeAsync(), "a"));
        histogram.Record(12, new KeyValuePair<string, object?>("k", "b"));
        string page = await host.ScrapeAsync();
        Assert.Equal(["2.0", "4.0", "8.0", "16.0", "+Inf"], Bounds(page, "a"));
        Assert.Equal(["2.0", "4.0", "8.0", "16.0", "+Inf"], Bounds(page, "b"));
        Assert.Contains("t_h_bucket{k=\"b\",le=\"8.0\"} 0\n", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    [InlineData(160)]
    public async Task Exponential_OverTheWholeRange_HasFewBoundsAndRightCounts(int maxSize)
    {
        await using MetricsHost host = await StartAsync(maxSize);
        Histogram<double> histogram = host.Meter.CreateHistogram<double>("t.h");
        double[] values = [1e-300, 1e-9, 0.001, 0.5, 0.75, 1, 1, 3, 1e6, 1e18, 1e300, double.MaxValue];
        foreach (double value in values)
        {
            histogram.Record(value);
        }

        string page = await host.ScrapeAsync(openMetrics: true);
        string[] buckets = [.. Samples(page).Where(line => line.Contains("_bucket", StringComparison.Ordinal))];
        Assert.InRange(buckets.Length, 1, 42);
        foreach (string bucket in buckets)
        {
            string le = bucket.Split('"')[1];
            double bound = le == "+Inf" ? double.PositiveInfinity : double.Parse(le, CultureInfo.InvariantCulture);
            Assert.Equal(
                values.Count(value => value <= bound), int.Parse(bucket.Split(' ')[1], CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public async Task Exponential_OfZerosOnly_HasTheInfBucket()
    {
        await using MetricsHost host = await StartAsync();
        host.Meter.CreateHistogram<double>("t.h").Record(0);
        Assert.Equal(
            ["t_h_bucket{le=\"+Inf\"} 1", "t_h_sum 0", "t_h_count 1"],
            Samples(await host.ScrapeAsync(openMetrics: true)));
    }

    [Fact]
    public async Task Exponential_CollidingNames_AreAddedBucketByBucket()
    {
        await using MetricsHost host = await StartAsync();
        host.Meter.CreateHistogram<double>("t.h.x").Record(1.5);
        host.Meter.CreateHistogram<double>("t.h_x").Record(3);
        foreach (bool openMetrics in new[] { false, true })
        {
            Assert.Equal(
                [
                    "t_h_x_bucket{le=\"2.0\"} 1",
                    "t_h_x_bucket{le=\"4.0\"} 2",
                    "t_h_x_bucket{le=\"+Inf\"} 2",
                    "t_h_x_sum 4.5",
                    "t_h_x_count 2",
                ],
                Samples(await host.ScrapeAsync(openMetrics)));
        }
    }

    private static string[] Samples(string page) =>
        [.. MetricsHost.LinesOf(page, "t_h").Where(line => line[0] != '#')];

    private static string[] Bounds(string page, string k) =>
        [
            .. Samples(page)
                .Where(line => line.StartsWith($"t_h_bucket{{k=\"{k}\"", StringComparison.Ordinal))
                .Select(line => line.Split('"')[3]),
        ];
}
