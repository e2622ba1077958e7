using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests.Exposition;

/// <summary>The rules of the formats, and the mistakes other exporters made.</summary>
public sealed class ExpositionWriterTests
{
    [Fact]
    public async Task Counter_InBothFormats_DiffersInTheMetadataOnly()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.jobs", "s", "Jobs.").Add(5, new KeyValuePair<string, object?>("kind", "a"));
        Assert.Equal(
            [
                "# HELP t_jobs_seconds_total Jobs.",
                "# TYPE t_jobs_seconds_total counter",
                "t_jobs_seconds_total{kind=\"a\"} 5",
            ],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_"));
        Assert.Equal(
            [
                "# TYPE t_jobs_seconds counter",
                "# UNIT t_jobs_seconds seconds",
                "# HELP t_jobs_seconds Jobs.",
                "t_jobs_seconds_total{kind=\"a\"} 5",
            ],
            MetricsHost.LinesOf(await host.ScrapeAsync(openMetrics: true), "t_"));
    }

    [Fact]
    public async Task UpDownCounter_IsAGauge()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateUpDownCounter<long>("t.open").Add(-3);
        Assert.Contains("# TYPE t_open gauge\nt_open -3\n", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Histogram_IsCumulativeWithCanonicalBoundsAndInfEqualToCount()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Histogram<double> histogram = host.Meter.CreateHistogram(
            "t.wait", "s", "Waits.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1, 1_000_000] });
        histogram.Record(0.05, new KeyValuePair<string, object?>("x", "y"));
        histogram.Record(0.5, new KeyValuePair<string, object?>("x", "y"));
        histogram.Record(0.5, new KeyValuePair<string, object?>("x", "y"));
        histogram.Record(2e6, new KeyValuePair<string, object?>("x", "y"));
        string[] samples =
        [
            "t_wait_seconds_bucket{x=\"y\",le=\"0.1\"} 1", "t_wait_seconds_bucket{x=\"y\",le=\"1.0\"} 3", "t_wait_seconds_bucket{x=\"y\",le=\"1e+06\"} 3",
            "t_wait_seconds_bucket{x=\"y\",le=\"+Inf\"} 4", "t_wait_seconds_sum{x=\"y\"} 2000001.05", "t_wait_seconds_count{x=\"y\"} 4",
        ];
        string[] text = MetricsHost.LinesOf(await host.ScrapeAsync(), "t_");
        string[] open = MetricsHost.LinesOf(await host.ScrapeAsync(openMetrics: true), "t_");
        string[] expectedText = ["# HELP t_wait_seconds Waits.", "# TYPE t_wait_seconds histogram", .. samples];
        string[] expectedOpen =
        [
            "# TYPE t_wait_seconds histogram",
            "# UNIT t_wait_seconds seconds",
            "# HELP t_wait_seconds Waits.",
            .. samples,
        ];
        Assert.Equal(expectedText, text);
        Assert.Equal(expectedOpen, open);
    }

    [Fact]
    public async Task Histogram_WithNegativeBounds_HasNoSumAndNoCountInOpenMetrics()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateHistogram(
            "t.delta", null, "Deltas.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [-1, 0, 1] })
            .Record(-2);
        Assert.Contains("t_delta_sum -2\nt_delta_count 1\n", await host.ScrapeAsync(), StringComparison.Ordinal);
        string open = await host.ScrapeAsync(openMetrics: true);
        Assert.Contains("t_delta_bucket{le=\"-1.0\"} 1\n", open, StringComparison.Ordinal);
        Assert.DoesNotContain("t_delta_sum", open, StringComparison.Ordinal);
        Assert.DoesNotContain("t_delta_count", open, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Histogram_WithoutBuckets_HasTheInfBucket()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateHistogram(
            "t.plain", null, null, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [] })
            .Record(3);
        string page = await host.ScrapeAsync(openMetrics: true);
        Assert.Contains(
            "t_plain_bucket{le=\"+Inf\"} 1\nt_plain_sum 3\nt_plain_count 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Values_ThatDifferOnlyInTheirType_AreOneSeries()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        counter.Add(1, new KeyValuePair<string, object?>("code", 200));
        counter.Add(2, new KeyValuePair<string, object?>("code", "200"));
        counter.Add(4, new KeyValuePair<string, object?>("code", true));
        Assert.Equal(
            ["t_c_total{code=\"200\"} 3", "t_c_total{code=\"true\"} 4"],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_c").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task Labels_AreLegalEscapedSortedAndCollidingKeysJoined()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.l").Add(
            1, new("z", "ü\\\"\n"), new("a.b", "1"), new("a_b", "2"), new("le", "5"), new("", "empty"), new("none", ""), new("nothing", null));
        Assert.Equal(
            ["t_l_total{_=\"empty\",a_b=\"1;2\",exported_le=\"5\",z=\"ü\\\\\\\"\\n\"} 1"],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_l").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task Description_WithLineFeedsQuotesAndControls_IsEscapedPerFormat()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.d", null, "a\nb \"c\" \\d\r\t\0e").Add(1);
        Assert.Contains("# HELP t_d_total a\\nb \"c\" \\\\d   e\n", await host.ScrapeAsync(), StringComparison.Ordinal);
        Assert.Contains(
            "# HELP t_d a\\nb \\\"c\\\" \\\\d   e\n", await host.ScrapeAsync(true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Description_ThatIsMissing_IsReplacedSoThatEveryFamilyHasHelp()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateCounter<long>("t.n").Add(1);
        Assert.Contains(
            $"# HELP t_n_total Instrument t.n of meter {host.MeterName}.\n",
            await host.ScrapeAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task NonFiniteValues_StandForGaugesAndAreLeftOutForCounters()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Gauge<double> gauge = host.Meter.CreateGauge<double>("t.g");
        gauge.Record(double.NaN, new KeyValuePair<string, object?>("v", "nan"));
        gauge.Record(double.PositiveInfinity, new KeyValuePair<string, object?>("v", "plus"));
        gauge.Record(double.NegativeInfinity, new KeyValuePair<string, object?>("v", "minus"));
        double odd = double.NaN;
        host.Meter.CreateObservableCounter("t.c", () => odd);
        host.Meter.CreateObservableCounter("t.ok", () => 3);
        string page = await host.ScrapeAsync(openMetrics: true);
        Assert.Contains(
            "t_g{v=\"nan\"} NaN\nt_g{v=\"plus\"} +Inf\nt_g{v=\"minus\"} -Inf\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("t_c_total", page, StringComparison.Ordinal);
        Assert.Contains("t_ok_total 3\n", page, StringComparison.Ordinal);
        Assert.Contains(
            "coach_metrics_problems_total{reason=\"non_finite\"} 1\n",
            await host.ScrapeAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task CallbackThatThrows_CostsItsOwnSeriesOnlyAndIsCounted()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        host.Meter.CreateObservableGauge("t.bad", new Func<long>(() => throw new InvalidOperationException("secret")));
        host.Meter.CreateObservableGauge("t.good", () => 1);
        await host.ScrapeAsync();
        string page = await host.ScrapeAsync();
        Assert.Contains("t_good 1\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("t_bad", page, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", page, StringComparison.Ordinal);
        Assert.DoesNotContain("coach_metrics_problems_total{reason=\"callback\"} 0\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RuntimeThreadPoolInstruments_AreGauges()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(metrics: o => o.HostMeters = true);
        string page = await host.ScrapeAsync();
        Assert.Contains("# TYPE dotnet_thread_pool_queue_length gauge\n", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE dotnet_thread_pool_thread_count gauge\n", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE dotnet_thread_pool_work_item_count_total counter\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ScopeLabelsAndCreatedSamples_AppearOnlyWhenAsked()
    {
        await using (MetricsHost host = await MetricsHost.StartAsync())
        {
            host.Meter.CreateCounter<long>("t.c").Add(1);
            string page = await host.ScrapeAsync(openMetrics: true);
            Assert.DoesNotContain("otel_scope", page, StringComparison.Ordinal);
            Assert.DoesNotContain("_created", page, StringComparison.Ordinal);
        }

        await using (MetricsHost host = await MetricsHost.StartAsync(
            metrics: o => o.ScopeLabels = o.CreatedSamples = true))
        {
            host.Meter.CreateCounter<long>("t.c").Add(1, new KeyValuePair<string, object?>("a", "b"));
            host.Meter.CreateHistogram<double>("t.h").Record(1);
            string page = await host.ScrapeAsync(openMetrics: true);
            Assert.Matches(
                $"\nt_c_total{{a=\"b\",otel_scope_name=\"{host.MeterName}\"}} "
                + $"1\nt_c_created{{a=\"b\",otel_scope_name=\"{host.MeterName}\"}} [0-9.]+\n",
                page);
            Assert.Matches(
                $"\nt_h_count{{otel_scope_name=\"{host.MeterName}\"}} "
                + $"1\nt_h_created{{otel_scope_name=\"{host.MeterName}\"}} [0-9.]+\n",
                page);
            Assert.DoesNotContain("_created", await host.ScrapeAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Exemplars_LinkBucketsAndCountersToTracesInOpenMetricsOnly()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Histogram<double> histogram = host.Meter.CreateHistogram(
            "t.h", "s", "H.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2] });
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        using (Activity activity = new Activity("work").Start())
        {
            activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
            histogram.Record(1.5);
            counter.Add(2);
            string open = await host.ScrapeAsync(openMetrics: true);
            string exemplar = $" # {{trace_id=\"{activity.TraceId}\",span_id=\"{activity.SpanId}\"}} ";
            Assert.Contains("t_h_seconds_bucket{le=\"2.0\"} 1" + exemplar + "1.5 ", open, StringComparison.Ordinal);
            Assert.Contains("t_h_seconds_bucket{le=\"1.0\"} 0\n", open, StringComparison.Ordinal);
            Assert.Contains("t_h_seconds_bucket{le=\"+Inf\"} 1\n", open, StringComparison.Ordinal);
            Assert.Contains("t_c_total 2" + exemplar + "2 ", open, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("trace_id", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exemplars_OnPagesThatAreWrittenOver_AreThoseOfTheLastMeasurements()
    {
        const int Seed = 7;
        var random = new Random(Seed);
        await using MetricsHost host = await MetricsHost.StartAsync();
        Histogram<double> histogram = host.Meter.CreateHistogram(
            "t.h", null, "H.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 4] });
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        Counter<double> fraction = host.Meter.CreateCounter<double>("t.d");
        long[] counts = new long[70];
        double[] sums = new double[counts.Length];
        string[] links = new string[counts.Length];
        for (int round = 0; round < 40; round++)
        {
            for (int i = 0; i < counts.Length; i++)
            {
                if (random.Next(3) == 0)
                {
                    using Activity? activity = random.Next(4) == 0 ? null : new Activity("work").Start();
                    long value = random.Next(1, 30);
                    activity?.ActivityTraceFlags = ActivityTraceFlags.Recorded;
                    counter.Add(value, new KeyValuePair<string, object?>("i", i));
                    fraction.Add(value / 8.0, new KeyValuePair<string, object?>("i", i));
                    histogram.Record(value / 8.0);
                    counts[i] += value;
                    sums[i] += value / 8.0;
                    links[i] = activity is null
                        ? links[i]
                        : $"# {{trace_id=\"{activity.TraceId}\",span_id=\"{activity.SpanId}\"}} ";
                }
            }

            string page = await host.ScrapeAsync(openMetrics: true);
            for (int i = 0; i < counts.Length; i++)
            {
                string text = FormattableString.Invariant($"\nt_d_total{{i=\"{i}\"}} {sums[i]}");
                Assert.True(counts[i] == 0 || page.Contains(text, StringComparison.Ordinal), $"{Seed}, {round}: {text}");
                text = $"\nt_c_total{{i=\"{i}\"}} {counts[i]}";
                Assert.True(counts[i] == 0 || page.Contains(text, StringComparison.Ordinal), $"{Seed}, {round}: {text}");
            }

            Assert.All(
                MetricsHost.LinesOf(page, "t_").Where(line => line[0] != '#' && line.Contains('#', StringComparison.Ordinal)),
                line => Assert.Matches(
                    @"^t_\w+\{(i|le)=""[^""]+""\} [0-9.]+ # \{trace_id=""[0-9a-f]{32}"",span_id=""[0-9a-f]{16}""\} "
                        + @"[0-9.]+ [0-9]{10}\.[0-9]{3}$",
                    line));
        }

        string last = await host.ScrapeAsync(openMetrics: true);
        Assert.Equal(last.Count(c => c == '\n'), (await host.ScrapeAsync(openMetrics: true)).Count(c => c == '\n'));
        Assert.InRange(links.Count(link => link is not null && last.Contains(link, StringComparison.Ordinal)), 30, 70);
    }

    [Fact]
    public async Task PointsThatAppearBeforeKnownOnes_DoNotMixUpLabels()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        counter.Add(1, new KeyValuePair<string, object?>("k", "a"));
        counter.Add(2, new KeyValuePair<string, object?>("k", "b"));
        await host.ScrapeAsync();
        counter.Add(7);
        counter.Add(3, new KeyValuePair<string, object?>("k", "c"));
        Assert.Equal(
            ["t_c_total 7", "t_c_total{k=\"a\"} 1", "t_c_total{k=\"b\"} 2", "t_c_total{k=\"c\"} 3"],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_c").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task CardinalityLimit_OverflowsIntoOneSeries()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            provider: p => p.AddView("t.c", new MetricStreamConfiguration { CardinalityLimit = 3 }));
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        await host.ScrapeAsync();
        for (int i = 0; i < 50; i++)
        {
            counter.Add(
                1,
                new KeyValuePair<string, object?>("k", i.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            if (i % 10 == 0)
            {
                await host.ScrapeAsync();
            }
        }

        string[] lines = [.. MetricsHost.LinesOf(await host.ScrapeAsync(), "t_c").Where(line => line[0] != '#')];
        Assert.Contains("t_c_total{otel_metric_overflow=\"true\"} 47", lines);
        Assert.Equal(lines.Length, lines.Distinct().Count());
        Assert.Contains("t_c_total{k=\"0\"} 1", lines);
    }

    [Fact]
    public async Task InstrumentsOfADisposedMeter_VanishAndMayComeBack()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        var passing = new Meter(host.MeterName + ".2");
        passing.CreateCounter<long>("t.passing").Add(1);
        Assert.Contains("t_passing_total 1\n", await host.ScrapeAsync(), StringComparison.Ordinal);
        passing.Dispose();
        await host.ScrapeAsync();
        Assert.DoesNotContain("t_passing", await host.ScrapeAsync(), StringComparison.Ordinal);
        using var again = new Meter(host.MeterName + ".2");
        again.CreateCounter<long>("t.passing").Add(5);
        Assert.Contains("t_passing_total 5\n", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LabelValues_LargerThanAPiece_ArriveWhole()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        string value = new('x', 200_000);
        host.Meter.CreateCounter<long>("t.long").Add(1, new KeyValuePair<string, object?>("v", value));
        host.Meter.CreateHistogram<double>("t.longh").Record(1, new KeyValuePair<string, object?>("v", value));
        foreach (bool openMetrics in new[] { false, true })
        {
            string page = await host.ScrapeAsync(openMetrics);
            Assert.Contains($"\nt_long_total{{v=\"{value}\"}} 1\n", page, StringComparison.Ordinal);
            Assert.Contains($"\nt_longh_count{{v=\"{value}\"}} 1\n", page, StringComparison.Ordinal);
        }
    }
}
