using System.Diagnostics.Metrics;
using Coach.AspNetCore.Metrics;
using Coach.Prometheus.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests.Metrics;

/// <summary>A first rejection is a rise from 0, not a new series: increase() sees only the first of these.</summary>
[Collection(nameof(ProcessTelemetry))]
public sealed class CountersFromZeroTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Page_BeforeAnyEvent_ShowsTheCountersOfAllPackagesAtZero(bool openMetrics)
    {
        await using MetricsHost host = await ObservedHost.StartAsync(build: builder =>
        {
            builder.Services.AddCoachLlm();
            builder.Services.AddCoachRag();
            builder.Services.AddCoachPayments();
        });
        string[] lines = (await host.ScrapeAsync(openMetrics)).Split('\n');
        // This host has no budgets; counters of usage are made with the first of them.
        foreach (CounterFromZero known in CountersFromZero.Known.Where(known => known.Meter != "Coach.Usage"))
        {
            string family = known.Counter.Replace('.', '_') + "_total";
            IEnumerable<string> series = [""];
            foreach (KnownLabel label in known.Labels.OrderBy(label => label.Name, StringComparer.Ordinal))
            {
                series = series.SelectMany(text => label.Values.Select(
                    value => $"{text}{(text.Length > 0 ? "," : "")}{label.Name}=\"{value}\""));
            }

            Assert.Equal(
                series.Select(labels => $"{family}{{{labels}}} 0").Order(StringComparer.Ordinal),
                lines.Where(line => line.StartsWith(family + "{", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Page_CounterThatIsMadeLater_StartsAtZeroToo()
    {
        await using MetricsHost host = await ObservedHost.StartAsync();
        Meter meter = host.Services.GetRequiredService<IMeterFactory>().Create("Coach.Payments");
        meter.CreateCounter<long>("coach.payments.links")
            .Add(2, new KeyValuePair<string, object?>("outcome", "failed"));
        string page = await host.ScrapeAsync();
        Assert.Contains("coach_payments_links_total{outcome=\"failed\"} 2\n", page, StringComparison.Ordinal);
        Assert.Contains("coach_payments_links_total{outcome=\"created\"} 0\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_CounterOfTheSameNameOnAnotherMeter_IsLeftAlone()
    {
        await using MetricsHost host = await ObservedHost.StartAsync();
        host.Meter.CreateCounter<long>("coach.payments.links")
            .Add(2, new KeyValuePair<string, object?>("kind", "mine"));
        string page = await host.ScrapeAsync();
        Assert.Contains("coach_payments_links_total{kind=\"mine\"} 2\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("outcome=", page, StringComparison.Ordinal);
    }
}
