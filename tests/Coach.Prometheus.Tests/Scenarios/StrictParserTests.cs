using System.Diagnostics;
using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests.Scenarios;

/// <summary>
/// Pages of odd instruments under promtool and the strict OpenMetrics parser of Debian's python3-prometheus-client.
/// </summary>
public sealed class StrictParserTests
{
    // The system's Python: Debian's packages are not seen by others.
    private static readonly string Python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

    private const string Parser =
        "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as "
        + "p\nprint(len(list(p(sys.stdin.read()))))";

    [Fact]
    public async Task OpenMetricsPage_OfOddInstruments_IsStrictlyValid()
    {
        (int found, _) = await RunAsync(Python, ["-c", "import prometheus_client"], "");
        Assert.SkipWhen(
            found != 0,
            "The OpenMetrics parser is not installed; on Debian: apt-get install python3-prometheus-client.");
        await using MetricsHost host = await MetricsHost.StartAsync(
            metrics: o => o.HostMeters = o.CreatedSamples = true, provider: Exponential);
        AddOddInstruments(host);
        (int code, string output) = await RunAsync(Python, ["-c", Parser], await host.ScrapeAsync(openMetrics: true));
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task TextPage_OfOddInstruments_HasNoSyntaxError()
    {
        (int found, _) = await RunAsync("promtool", ["--version"], "");
        Assert.SkipWhen(found != 0, "promtool is not installed; on Debian: apt-get install prometheus.");
        await using MetricsHost host = await MetricsHost.StartAsync(
            metrics: o => o.HostMeters = true, provider: Exponential);
        AddOddInstruments(host);
        (int code, string output) = await RunAsync("promtool", ["check", "metrics"], await host.ScrapeAsync());
        Assert.True(code is 0 or 3, output); // 3: lint, which odd names deserve
    }

    private static void Exponential(MeterProviderBuilder provider) =>
        provider.AddView("t.exponential", new Base2ExponentialBucketHistogramConfiguration());

    internal static void AddOddInstruments(MetricsHost host)
    {
        Meter meter = host.Meter;
        meter.CreateCounter<long>("t.dup.name", null, "a\nb \"c\" \\d").Add(1);
        meter.CreateCounter<long>("t_dup_name").Add(2);
        meter.CreateCounter<double>("größe.total", "By")
            .Add(0.1, new("le", "1"), new("a.b", "x"), new("a_b", "y"), new("", "e\n\"\\"));
        meter.CreateGauge<double>("1.leading").Record(double.NaN);
        meter.CreateGauge<double>("t.inf")
            .Record(double.NegativeInfinity, new KeyValuePair<string, object?>("quantile", 0.5));
        meter.CreateObservableCounter("t.nan", () => double.NaN);
        meter.CreateCounter<long>("t.negative").Add(-5);
        meter.CreateCounter<long>("seconds", "s").Add(1);
        meter.CreateGauge<long>("bytes", "By").Record(7);
        meter.CreateHistogram<double>("days", "d").Record(2);
        meter.CreateHistogram(
            "t.bounds",
            "s",
            null,
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [-1, 0, 0.1, 1e6, 1e21] })
            .Record(0.5);
        meter.CreateHistogram(
            "t.sum", null, null, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1] })
            .Record(-0.5);
        meter.CreateHistogram<double>("t.foo").Record(1, new KeyValuePair<string, object?>("le", "taken"));
        meter.CreateGauge<long>("t.foo.count").Record(7);
        meter.CreateGauge<long>("t.dup.name.created").Record(7);
        meter.CreateHistogram<double>("t.exponential", "s").Record(0.3);
        using Activity activity = new Activity("work").Start();
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        meter.CreateHistogram<double>("t.traced", "s").Record(0.5);
        meter.CreateCounter<long>("t.traced.calls").Add(1);
    }

    private static async Task<(int Code, string Output)> RunAsync(string tool, string[] arguments, string input)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(tool, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, "");
        }
    }
}
