using System.Diagnostics.Metrics;

namespace Coach.Prometheus.Tests.Exposition;

/// <summary>
/// Instruments whose names are one after the format's rules: merged when they are of one kind, else refused and
/// counted.
/// </summary>
public sealed class DuplicateSeriesMergerTests
{
    [Fact]
    public async Task CollidingNames_OfCountersWithTheSameLabels_AreAdded()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.dup.name").Add(1);
        host.Meter.CreateCounter<long>("t_dup_name").Add(2);
        string page = await host.ScrapeAsync();
        Assert.Equal(["t_dup_name_total 3"], MetricsHost.LinesOf(page, "t_dup").Where(line => line[0] != '#'));
        Assert.Single(MetricsHost.LinesOf(page, "t_dup"), line => line.StartsWith("# TYPE", StringComparison.Ordinal));
        Assert.Contains(
            "coach_metrics_problems_total{reason=\"duplicate_series\"} 1\n",
            await host.ScrapeAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task CollidingNames_OfHistograms_AreAddedBucketByBucket()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2] };
        host.Meter.CreateHistogram("t.h.x", null, null, advice: advice).Record(0.5);
        host.Meter.CreateHistogram("t.h_x", null, null, advice: advice).Record(1.5);
        string page = await host.ScrapeAsync(openMetrics: true);
        Assert.Equal(
            [
                "t_h_x_bucket{le=\"1.0\"} 1",
                "t_h_x_bucket{le=\"2.0\"} 2",
                "t_h_x_bucket{le=\"+Inf\"} 2",
                "t_h_x_sum 2",
                "t_h_x_count 2",
            ],
            MetricsHost.LinesOf(page, "t_h_x").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task CollidingNames_WithDifferentLabels_ShareOneBlock()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateGauge<long>("t.g.x").Record(1, new KeyValuePair<string, object?>("a", "1"));
        host.Meter.CreateCounter<long>("t.other").Add(1);
        host.Meter.CreateGauge<long>("t.g_x").Record(2, new KeyValuePair<string, object?>("a", "2"));
        Assert.Equal(
            ["t_g_x{a=\"1\"} 1", "t_g_x{a=\"2\"} 2"],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_g").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task CollidingNames_OfDifferentTypes_RefuseTheLaterOneAndCountIt()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.thing").Add(1);
        host.Meter.CreateGauge<long>("t_thing").Record(9);
        host.Meter.CreateHistogram<double>("t.foo").Record(1);
        host.Meter.CreateGauge<long>("t.foo.count").Record(7);
        await host.ScrapeAsync();
        string page = await host.ScrapeAsync();
        Assert.Equal(["t_thing_total 1"], MetricsHost.LinesOf(page, "t_thing").Where(line => line[0] != '#'));
        Assert.Contains("t_foo_count 1\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("t_foo_count 7", page, StringComparison.Ordinal);
        Assert.Contains("coach_metrics_problems_total{reason=\"type_conflict\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("coach_metrics_problems_total{reason=\"name_taken\"} 1\n", page, StringComparison.Ordinal);
    }
}
