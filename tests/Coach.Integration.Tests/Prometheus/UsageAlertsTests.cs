using System.Text.RegularExpressions;

namespace Coach.Integration.Tests.Prometheus;

/// <summary>The alerts on what calls cost: each has its entry in the guide and fires when it should.</summary>
public sealed partial class UsageAlertsTests
{
    private const string File = "coach-usage-alerts.yml";

    [Fact]
    public async Task Rules_AsShipped_PassTheirUnitTests()
    {
        Shipped.SkipWithout("promtool", "prometheus");
        string tests = Path.Combine(
            Shipped.Root, "tests", "Coach.Integration.Tests", "Prometheus", "coach-usage-alerts.test.yml");
        (int code, string output) = await Shipped.RunAsync("promtool", ["test", "rules", tests]);
        Assert.True(code == 0, output);
    }

    [Fact]
    public void EveryAlert_HasARunbookEntryAUnitTestAndMetricsThatExist()
    {
        string rules = Shipped.Rules(File);
        string guide = System.IO.File.ReadAllText(Path.Combine(Shipped.Root, "docs", "guides", "operations.md"));
        string diagnostics = System.IO.File.ReadAllText(Path.Combine(Shipped.Root, "docs", "diagnostics.md"));
        string tests = System.IO.File.ReadAllText(Path.Combine(
            Shipped.Root, "tests", "Coach.Integration.Tests", "Prometheus", "coach-usage-alerts.test.yml"));
        string[] alerts = [.. AlertPattern().Matches(rules).Select(match => match.Groups[1].Value)];
        string[] metrics = [.. MetricPattern().Matches(rules).Select(match => match.Value).Distinct()];

        Assert.Equal(3, alerts.Length);
        Assert.All(alerts, alert => Assert.Contains($"\n### {alert}\n", guide, StringComparison.Ordinal));
        Assert.All(alerts, alert => Assert.Contains($"alertname: {alert}\n", tests, StringComparison.Ordinal));
        Assert.All(alerts, alert => Assert.Contains(
            $"operations.md#{alert.ToLowerInvariant()}", rules, StringComparison.Ordinal));
        Assert.All(metrics, metric => Assert.Contains($"| `{metric}` |", diagnostics, StringComparison.Ordinal));
        Assert.Contains(File, Shipped.Rules("prometheus.yml"), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertPattern();

    [GeneratedRegex(@"coach_(usage|budget|credits)_\w+")]
    private static partial Regex MetricPattern();
}
