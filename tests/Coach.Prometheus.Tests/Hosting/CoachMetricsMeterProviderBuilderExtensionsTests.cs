using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests.Hosting;

public sealed class CoachMetricsMeterProviderBuilderExtensionsTests
{
    [Fact]
    public async Task Page_OfAMeterWithAPrefix_ShowsItsNamesUnderThatWord()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            metrics: o => o.Prefixes["orders"] = "shop", meterName: "Orders");
        host.Meter.CreateCounter<long>("orders.placed").Add(3);
        host.Meter.CreateCounter<long>("other.placed").Add(4);
        string page = await host.ScrapeAsync();
        Assert.Contains("\nshop_placed_total 3\n", page, StringComparison.Ordinal);
        Assert.Contains("\nother_placed_total 4\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_WithPrefixesFromConfiguration_UsesThem()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            settings: new() { ["Coach:Metrics:Prefixes:orders"] = "shop" }, meterName: "Orders.Api");
        host.Meter.CreateGauge<long>("orders.open").Record(1);
        Assert.Contains("\nshop_open 1\n", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Shop")]
    [InlineData("shop_")]
    [InlineData("1shop")]
    [InlineData("a23456789012345678901234567890123")]
    public async Task Prefixes_ThatNoNameMayBeginWith_StopTheStart(string word)
    {
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(
            () => MetricsHost.StartAsync(metrics: o => o.Prefixes["orders"] = word));
        Assert.Equal(
            "Coach:Metrics:Prefixes holds a word that no metric name may begin with; each must be 1 to 32 lower-case "
            + "letters, digits and single underscores, a letter first.",
            Assert.Single(failure.Failures));
    }

    [Fact]
    public async Task AddCoachMetricsExporter_Twice_ShowsEverythingOnce()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            provider: meters => meters.AddCoachMetricsExporter(o => o.ScopeLabels = true));
        host.Meter.CreateCounter<long>("t.c").Add(1);
        Assert.Equal(
            [$"t_c_total{{otel_scope_name=\"{host.MeterName}\"}} 1"],
            MetricsHost.LinesOf(await host.ScrapeAsync(), "t_c").Where(line => line[0] != '#'));
    }

    [Fact]
    public async Task Exemplars_WhenSwitchedOff_AreLeftOut()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(metrics: o => o.Exemplars = false);
        using Activity activity = new Activity("work").Start();
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        host.Meter.CreateCounter<long>("t.c").Add(1);
        Assert.Contains("\nt_c_total 1\n", await host.ScrapeAsync(openMetrics: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HostMeters_WhenSwitchedOff_LeaveTheRuntimeOut()
    {
        await using MetricsHost on = await MetricsHost.StartAsync(metrics: o => o.HostMeters = true);
        Assert.Contains("\ndotnet_", await on.ScrapeAsync(), StringComparison.Ordinal);
        await using MetricsHost off = await MetricsHost.StartAsync(metrics: o => o.HostMeters = false);
        Assert.DoesNotContain("\ndotnet_", await off.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestDuration_OfTheHost_HasBoundsUpToAMinute()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(metrics: o => o.HostMeters = true);
        var recorded = new TaskCompletionSource();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "http.server.request.duration"
                && instrument.Meter.Scope == host.Services.GetRequiredService<IMeterFactory>())
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => recorded.TrySetResult());
        listener.Start();
        await host.ScrapeAsync();

        // The server records a request after its answer has gone out.
        await recorded.Task.WaitAsync(TimeSpan.FromSeconds(30));
        string page = await host.ScrapeAsync();
        Assert.Contains("http_server_request_duration_seconds_bucket{", page, StringComparison.Ordinal);
        Assert.Contains("le=\"60.0\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public void MapCoachMetrics_WithoutTheExporter_SaysWhatIsMissing()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        WebApplication app = builder.Build();
        var failure = Assert.Throws<InvalidOperationException>(() => app.MapCoachMetrics());
        Assert.Contains("AddCoachMetricsExporter()", failure.Message, StringComparison.Ordinal);
    }
}
