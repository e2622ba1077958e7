using System.Diagnostics;
using System.Diagnostics.Metrics;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Coach.Prometheus.Tests.Scenarios;

/// <summary>The formats' rules over pages of odd instruments, and mistakes that other exporters had to fix.</summary>
public sealed class ConformanceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pages_OfOddInstrumentsThatComeAndGo_BreakNoRule(bool openMetrics)
    {
        const int Seed = 5;
        var random = new Random(Seed);
        await using MetricsHost host = await MetricsHost.StartAsync(
            metrics: o => o.HostMeters = true, provider: provider => provider.AddView("t.exp*", new Base2ExponentialBucketHistogramConfiguration { MaxSize = 20 }));
        StrictParserTests.AddOddInstruments(host);
        var passing = new Meter(host.MeterName + ".2");
        for (int round = 0; round < 60; round++)
        {
            Record(round % 3 == 0 ? host.Meter : passing, random);
            if (random.Next(8) == 0)
            {
                passing.Dispose();
                passing = new Meter(host.MeterName + ".2");
            }

            Assert.Empty(ExpositionRules.Broken(await host.ScrapeAsync(openMetrics), openMetrics));
        }

        passing.Dispose();
    }

    [Fact]
    public async Task Pages_WrittenOver_EqualThoseOfAFreshExporter()
    {
        // Two hosts see the same measurements; one is scraped after each, the other once at the end.
        await using MetricsHost often = await MetricsHost.StartAsync();
        await using MetricsHost once = await MetricsHost.StartAsync();
        foreach (MetricsHost host in new[] { often, once })
        {
            var random = new Random(3);
            for (int round = 0; round < 200; round++)
            {
                Record(host.Meter, random);
                if (ReferenceEquals(host, often))
                {
                    await host.ScrapeAsync(openMetrics: round % 2 == 0);
                }
            }
        }

        foreach (bool openMetrics in new[] { false, true })
        {
            Assert.Equal(
                MetricsHost.LinesOf(await once.ScrapeAsync(openMetrics), "t_").Select(WithoutMeter),
                MetricsHost.LinesOf(await often.ScrapeAsync(openMetrics), "t_").Select(WithoutMeter));
        }

        static string WithoutMeter(string line) => line.Split(" of meter ")[0];
    }

    [Fact]
    public async Task TotalBeforeTheUnit_StandsBehindIt()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.busy.total", "s").Add(1);
        host.Meter.CreateCounter<long>("t.sent_bytes", "By").Add(2);
        string page = await host.ScrapeAsync();
        Assert.Contains("\nt_busy_seconds_total 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\nt_sent_bytes_total 2\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CounterCalledCreated_AndGaugeOfThatName_DoNotShareAName()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.foo").Add(1);
        host.Meter.CreateGauge<long>("t.foo.created").Record(2);
        host.Meter.CreateGauge<long>("t.foo.total").Record(3);
        string page = await host.ScrapeAsync(openMetrics: true);
        Assert.Equal(["t_foo_total 1"], MetricsHost.LinesOf(page, "t_foo").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task Exemplars_OfMeasurementsWithManyTags_CarryTheTraceAlone()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            provider: provider => provider.AddView("t.c", new MetricStreamConfiguration { TagKeys = ["kept"] }));
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        using Activity activity = new Activity("work").Start();
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        counter.Add(
            1, new("kept", "k"), new("trace_id", "forged"), new("span_id", new string('x', 200)),
            new("text", "of a user"));
        string page = await host.ScrapeAsync(openMetrics: true);
        Assert.Contains(
            $"t_c_total{{kept=\"k\"}} 1 # {{trace_id=\"{activity.TraceId}\",span_id=\"{activity.SpanId}\"}} 1 ",
            page,
            StringComparison.Ordinal);
        Assert.DoesNotContain("forged", page, StringComparison.Ordinal);
        Assert.DoesNotContain("of a user", page, StringComparison.Ordinal);
        Assert.Empty(ExpositionRules.Broken(page, openMetrics: true));
    }

    [Fact]
    public async Task HalvesOfSurrogatePairs_ThatBecomeTheSameText_AreOneSeries()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Counter<long> counter = host.Meter.CreateCounter<long>("t.half");
        counter.Add(1, new KeyValuePair<string, object?>("k", "a\ud800"));
        counter.Add(2, new KeyValuePair<string, object?>("k", "a\ud801"));
        counter.Add(4, new KeyValuePair<string, object?>("k", "a\U0001F600"));
        string page = await host.ScrapeAsync(openMetrics: true);
        Assert.Equal(
            ["t_half_total{k=\"a\uFFFD\"} 3", "t_half_total{k=\"a\U0001F600\"} 4"],
            MetricsHost.LinesOf(page, "t_half").Where(line => line[0] != '#'));
        Assert.Empty(ExpositionRules.Broken(page, openMetrics: true));
    }

    [Fact]
    public async Task TargetInfo_IsAnInfoInOpenMetricsAndAGaugeInText()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            provider: provider => provider.SetResourceBuilder(ResourceBuilder.CreateEmpty().AddAttributes([new("service.name", "te\"a"), new("service.version", "1.2")])));
        host.Meter.CreateGauge<long>("target.info").Record(5);
        Assert.StartsWith(
            "# TYPE target info\n# HELP target Attributes of the resource that this page is "
            + "about.\ntarget_info{service_name=\"te\\\"a\",service_version=\"1.2\"} 1\n# TYPE ",
            await host.ScrapeAsync(openMetrics: true));
        string text = await host.ScrapeAsync();
        Assert.StartsWith(
            "# HELP target_info Attributes of the resource that this page is about.\n# TYPE target_info "
            + "gauge\ntarget_info{service_name=",
            text);
        Assert.DoesNotContain("target_info 5", text, StringComparison.Ordinal);
        Assert.Contains("coach_metrics_problems_total{reason=\"name_taken\"} 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TargetInfo_WithoutAttributesOrSwitchedOff_IsAbsent()
    {
        await using MetricsHost empty = await MetricsHost.StartAsync(
            provider: provider => provider.SetResourceBuilder(ResourceBuilder.CreateEmpty()));
        Assert.DoesNotContain("target", await empty.ScrapeAsync(openMetrics: true), StringComparison.Ordinal);
        await using MetricsHost off = await MetricsHost.StartAsync(metrics: o => o.TargetInfo = false);
        Assert.DoesNotContain("target_info", await off.ScrapeAsync(openMetrics: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_AfterTheClockMoved_IsFresh()
    {
        var clock = new VirtualClock();
        await using MetricsHost host = await MetricsHost.StartAsync(time: clock);
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        for (int i = 1; i <= 3; i++)
        {
            counter.Add(1);
            Assert.Contains(
                $"\nt_c_total {i}\n",
                await host.ScrapeAsync(),
                StringComparison.Ordinal); // no page is kept by a clock that may step back
        }
    }

    private static void Record(Meter meter, Random random)
    {
        KeyValuePair<string, object?>[] tags =
        [
            .. Enumerable.Range(0, random.Next(3))
                .Select(i => new KeyValuePair<string, object?>($"k{i}", random.Next(6))),
        ];
        switch (random.Next(6))
        {
            case 0:
                meter.CreateCounter<long>($"t.c{random.Next(3)}", "s").Add(random.Next(0, 2000), tags);
                break;
            case 1:
                meter.CreateCounter<double>($"t.d{random.Next(3)}").Add(random.NextDouble(), tags);
                break;
            case 2:
                meter.CreateGauge<double>($"t.g{random.Next(3)}", "By")
                    .Record(random.Next(7) == 0 ? double.NaN : random.Next(-100, 100) / 8.0, tags);
                break;
            case 3:
                meter.CreateHistogram<double>($"t.h{random.Next(2)}", "s").Record(random.NextDouble() * 20, tags);
                break;
            case 4:
                meter.CreateHistogram<double>($"t.exp{random.Next(2)}").Record(Math.Pow(10, random.Next(-8, 8)), tags);
                break;
            default:
                meter.CreateUpDownCounter<long>($"t.u{random.Next(2)}").Add(random.Next(-5, 6), tags);
                break;
        }
    }
}
