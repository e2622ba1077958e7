using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests.Collection;

/// <summary>Instruments of two meters under one name, and what the SDK leaves out by itself.</summary>
public sealed class MetricFamilyTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Meters_ThatShareAnInstrumentName_AreToldApart(bool openMetrics)
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        using var other = new Meter(host.MeterName + ".2");
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = [1] };
        host.Meter.CreateCounter<long>("t.jobs").Add(1);
        other.CreateCounter<long>("t.jobs").Add(2);
        host.Meter.CreateGauge<long>("t.level").Record(3);
        other.CreateGauge<double>("t.level").Record(4.5);
        host.Meter.CreateHistogram("t.wait", null, null, advice: advice).Record(0.5);
        other.CreateHistogram<long>(
            "t.wait", null, null, advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [7] }).Record(9);
        host.Meter.CreateCounter<long>("t.alone").Add(5, new KeyValuePair<string, object?>("a", "b"));
        string page = await host.ScrapeAsync(openMetrics);
        string first = $"otel_scope_name=\"{host.MeterName}\"", second = $"otel_scope_name=\"{host.MeterName}.2\"";
        Assert.Equal(
            [
                "t_alone_total{a=\"b\"} 5",
                $"t_jobs_total{{{first}}} 1", $"t_jobs_total{{{second}}} 2",
                $"t_level{{{first}}} 3", $"t_level{{{second}}} 4.5",
                $"t_wait_bucket{{{first},le=\"1.0\"}} 1", $"t_wait_bucket{{{first},le=\"+Inf\"}} 1",
                $"t_wait_sum{{{first}}} 0.5", $"t_wait_count{{{first}}} 1",
                $"t_wait_bucket{{{second},le=\"7.0\"}} 0", $"t_wait_bucket{{{second},le=\"+Inf\"}} 1",
                $"t_wait_sum{{{second}}} 9", $"t_wait_count{{{second}}} 1",
            ],
            MetricsHost.LinesOf(page, "t_").Where(line => line[0] != '#'));
        Assert.Contains(
            "coach_metrics_problems_total{reason=\"duplicate_series\"} 0\n",
            await host.ScrapeAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Meters_InEitherOrder_GiveTheSameSeries()
    {
        string[][] pages = new string[2][];
        for (int order = 0; order < 2; order++)
        {
            await using MetricsHost host = await MetricsHost.StartAsync();
            using var other = new Meter(host.MeterName + ".2");
            Meter[] meters = order == 0 ? [host.Meter, other] : [other, host.Meter];
            foreach (Meter meter in meters)
            {
                meter.CreateCounter<long>("t.jobs").Add(meter == other ? 2 : 1);
                await host.ScrapeAsync();
            }

            string page = await host.ScrapeAsync();
            pages[order] =
            [
                .. MetricsHost.LinesOf(page, "t_jobs")
                    .Where(line => line[0] != '#')
                    .Select(line => line.Replace(host.MeterName, "M", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal),
            ];
        }

        Assert.Equal(
            ["t_jobs_total{otel_scope_name=\"M\"} 1", "t_jobs_total{otel_scope_name=\"M.2\"} 2"], pages[0]);
        Assert.Equal(pages[0], pages[1]);
    }

    [Fact]
    public async Task Meter_WhoseNamesakeIsGone_KeepsItsLabel()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.jobs").Add(1);
        Assert.Contains("\nt_jobs_total 1\n", await host.ScrapeAsync(), StringComparison.Ordinal);
        var passing = new Meter(host.MeterName + ".2");
        passing.CreateCounter<long>("t.jobs").Add(2);
        string labelled = $"\nt_jobs_total{{otel_scope_name=\"{host.MeterName}\"}} 1\n";
        Assert.Contains(labelled, await host.ScrapeAsync(), StringComparison.Ordinal);
        passing.Dispose();
        await host.ScrapeAsync();
        string page = await host.ScrapeAsync();
        Assert.Contains(labelled, page, StringComparison.Ordinal);
        Assert.DoesNotContain(".2\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Meters_OfOneName_AreToldApartByVersionAndTags()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        string name = host.MeterName + ".2";
        using var old = new Meter(new MeterOptions(name) { Version = "1" });
        using var young = new Meter(new MeterOptions(name) { Version = "2" });
        using var tagged = new Meter(new MeterOptions(name) { Version = "2", Tags = [new("shard.id", 7)] });
        old.CreateGauge<long>("t.level").Record(1);
        young.CreateGauge<long>("t.level").Record(2);
        tagged.CreateGauge<long>("t.level").Record(3);
        Assert.Equal(
            [
                $"t_level{{otel_scope_name=\"{name}\",otel_scope_version=\"1\"}} 1",
                $"t_level{{otel_scope_name=\"{name}\",otel_scope_version=\"2\"}} 2",
                $"t_level{{otel_scope_name=\"{name}\",otel_scope_shard_id=\"7\",otel_scope_version=\"2\"}} 3",
            ],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_level").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task Names_ThatMeetInOneMeterAndAnother_AreAddedWithinEach()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        using var other = new Meter(host.MeterName + ".2");
        foreach (Meter meter in new[] { host.Meter, other })
        {
            meter.CreateCounter<long>("t.dup.name").Add(1);
            meter.CreateCounter<long>("t_dup_name").Add(2);
        }

        Assert.Equal(
            [
                $"t_dup_name_total{{otel_scope_name=\"{host.MeterName}\"}} 3",
                $"t_dup_name_total{{otel_scope_name=\"{host.MeterName}.2\"}} 3",
            ],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_dup").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task ScopeLabels_ThatAreRefused_AddCountersUp()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            settings: new() { ["Coach:Metrics:ScopeLabels"] = "false" });
        using var other = new Meter(host.MeterName + ".2");
        host.Meter.CreateCounter<long>("t.jobs").Add(1);
        other.CreateCounter<long>("t.jobs").Add(2);
        Assert.Contains("\nt_jobs_total 3\n", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LabelSetsBeyondTheLimit_AreTold(bool areMerged)
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Counter<long> counter = host.Meter.CreateCounter<long>("t.wild");
        Counter<long> tame = host.Meter.CreateCounter<long>("t.tame");
        if (areMerged)
        {
            host.Meter.CreateCounter<long>("t_wild").Add(1, new KeyValuePair<string, object?>("user", 0));
        }

        const string Told = "coach_metrics_problems_total{reason=\"overflow\"} ";
        tame.Add(1, new KeyValuePair<string, object?>("user", 0));
        await host.ScrapeAsync();
        Assert.Contains(Told + "0\n", await host.ScrapeAsync(), StringComparison.Ordinal);
        for (int i = 0; i < 5000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("user", i));
        }

        Assert.Contains("t_wild_total{otel_metric_overflow=\"true\"}", await host.ScrapeAsync(), StringComparison.Ordinal);
        // One a collection and instrument, on the page after it, for as long as it lasts.
        Assert.Contains(Told + "1\n", await host.ScrapeAsync(), StringComparison.Ordinal);
        Assert.Contains(Told + "2\n", await host.ScrapeAsync(openMetrics: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InstrumentsBeyondTheLimit_AreTold()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(provider: meters => meters.SetMaxMetricStreams(8));
        for (int i = 0; i < 12; i++)
        {
            host.Meter.CreateCounter<long>($"t.c{i}").Add(1);
        }

        await host.ScrapeAsync();
        string page = await host.ScrapeAsync();
        Assert.DoesNotContain("t_c11_total", page, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "coach_metrics_problems_total{reason=\"instrument_limit\"} 0\n", page, StringComparison.Ordinal);
    }
}
