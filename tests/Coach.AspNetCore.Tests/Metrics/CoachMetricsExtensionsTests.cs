using Coach.Prometheus.Tests;

namespace Coach.AspNetCore.Tests.Metrics;

[Collection(nameof(ProcessTelemetry))]
public sealed class CoachMetricsExtensionsTests
{
    [Fact]
    public async Task Page_Contract_ShowsConfigurationAndProcessGauges()
    {
        await using MetricsHost host = await ObservedHost.StartAsync(
            settings: new() { ["Coach:Deployment:MemoryMb"] = "2048" });
        string page = await host.ScrapeAsync();
        TestContext.Current.TestOutputHelper!.WriteLine(page);
        Assert.Contains("\ncoach_config_memory_mb 2048\n", page, StringComparison.Ordinal);
        Assert.Contains("\ncoach_config_max_containers 3\n", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE coach_process_uptime_seconds gauge\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_Default_IsOk()
    {
        await using MetricsHost host = await ObservedHost.StartAsync();
        foreach (string path in new[] { "/healthz", "/livez", "/readyz" })
        {
            using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, path);
            Assert.Equal("ok", await response.Content.ReadAsStringAsync());
        }

        string page = await host.ScrapeAsync(openMetrics: true);
        TestContext.Current.TestOutputHelper!.WriteLine(page);
        Assert.Contains("coach_health_status{check=\"memory\"} 1\n", page, StringComparison.Ordinal);
        Assert.EndsWith("# EOF\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MetricPrefix_RenamesCoachsOwnMetrics()
    {
        await using MetricsHost host = await ObservedHost.StartAsync(
            settings: new() { ["Coach:Observability:MetricPrefix"] = "maya" });
        string page = await host.ScrapeAsync();
        foreach (string name
            in new[] { "maya_config_memory_mb", "maya_config_max_containers", "maya_process_uptime_seconds" })
        {
            Assert.Contains($"\n{name} ", page, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("coach_", page, StringComparison.Ordinal);
    }
}
