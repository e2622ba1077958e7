using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;

namespace Coach.Integration.Tests.Prometheus;

/// <summary>
/// The sample under the eyes of the real tools: Prometheus, promtool and the strict OpenMetrics parser.
/// </summary>
public sealed class PrometheusTests
{
    // Counters that have no series before the first such event; the unit tests of the rules feed them.
    private static readonly string[] EventsOnly =
    [
        "coach_llm_fallbacks_total", "coach_llm_model_retirement_days",
        "coach_container_memory_usage_bytes", "coach_container_memory_working_set_bytes", "coach_container_memory_limit_bytes", "coach_container_cpu_usage_seconds_total",
    ];

    // What a host has only with prices, budgets, credits or shared stores: this one has none.
    private static readonly string[] ByOption =
        ["coach_usage_cost_micro_total", "coach_budget_used_ratio", "coach_credits_balance_micro", "coach_store_available"];

    // What `promtool check metrics` may complain about: names that the contract or the runtime fixes.
    private static readonly string[] AllowedComplaints =
    [
        "coach_config_memory_mb", "coach_rag_document_count", "coach_byok_user_count", "dotnet_assembly_count", "dotnet_process_cpu_count", "dotnet_timer_count", "dotnet_thread_pool_thread_count",
    ];

    [Fact]
    public async Task EveryShippedQuery_AgainstTheLiveSample_ReturnsData()
    {
        Shipped.SkipWithout("prometheus", "prometheus");
        await using ProviderFake providers = await ProviderFake.StartAsync();
        await using ChatHost host = await ChatHost.StartAsync(
            settings => settings["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString());
        providers.SetKey("gemini", "test-key-of-gemini");
        await using PrometheusServer prometheus = await PrometheusServer.StartAsync(host.Address);
        string[] queries =
        [
            .. Shipped.Panels().SelectMany(panel => panel.Queries), .. Shipped.Records(), .. Shipped.AlertQueries().SelectMany(Shipped.MetricsOf),
        ];
        var waiting = queries.Distinct().Where(query => !Shipped.MetricsOf(query).Any(EventsOnly.Concat(ByOption).Contains)).ToHashSet();
        Assert.True(waiting.Count > 20, "the queries were not found");
        using HttpClient visitor = host.NewVisitor();
        await visitor.AddKeyAsync("gemini", "test-key-of-gemini");
        long started = TimeProvider.System.GetTimestamp();
        for (
            int round = 0; waiting.Count > 0 && TimeProvider.System.GetElapsedTime(started) < ChatHost.HangLimit; round++)
        {
            await UseAsync(host, visitor, round);
            await Task.Delay(TimeSpan.FromMilliseconds(600), TimeProvider.System); // under the session's rate limit
            foreach (string query in waiting.ToArray())
            {
                if (await prometheus.CountAsync(query) > 0)
                {
                    waiting.Remove(query);
                }
            }
        }

        Assert.Empty(waiting);
        foreach ((string panel, string[] panelQueries) in Shipped.Panels())
        {
            bool isFilled = false;
            foreach (string query in panelQueries)
            {
                isFilled |= await prometheus.CountAsync(query) > 0;
            }

            // No test machine promises a limited container.
            bool isByOption = panelQueries.All(query => Shipped.MetricsOf(query).Any(ByOption.Contains));
            Assert.True(isFilled || isByOption || panel.EndsWith(": Memory pressure", StringComparison.Ordinal), panel + " is empty.");
        }

        await prometheus.ExpectUpAsync();
        JsonElement rules = await prometheus.GetAsync("/api/v1/rules");
        Assert.All(
            rules.GetProperty("groups")
                .EnumerateArray()
                .SelectMany(group => group.GetProperty("rules").EnumerateArray()),
            rule => Assert.Equal("ok", rule.GetProperty("health").GetString()));
    }

    [Fact]
    public void EveryDashboard_AsksForJobAndInstance()
    {
        string[] packages = ["Coach.AspNetCore", "Coach.Llm", "Coach.Observability", "Coach.Payments", "Coach.Prometheus", "Coach.Rag"];
        string[] titles = [.. Shipped.Dashboards().Select(dashboard => dashboard.RootElement.GetProperty("title").GetString()!)];
        Assert.Superset(packages.ToHashSet(), titles.ToHashSet());
        Assert.All(Shipped.Dashboards(), dashboard =>
        {
            Assert.Equal(
                ["datasource", "job", "instance"],
                dashboard.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray()
                    .Select(variable => variable.GetProperty("name").GetString()));
            Assert.All(
                dashboard.RootElement.GetProperty("panels").EnumerateArray()
                    .Where(panel => panel.TryGetProperty("targets", out _))
                    .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()),
                target => Assert.Contains("job=~\"$job\"", target.GetProperty("expr").GetString(), StringComparison.Ordinal));
        });
    }

    [Fact]
    public async Task TextPage_OfTheSample_PassesPromtoolButForTheAllowedNames()
    {
        Shipped.SkipWithout("promtool", "prometheus");
        string page = await PageAsync("text/plain;version=0.0.4");
        (int code, string output) = await Shipped.RunAsync("promtool", ["check", "metrics"], page);
        string[] complaints =
        [
            .. output.Split('\n')
                .Where(
                    line => line.Length > 0 && !AllowedComplaints.Any(name => line.StartsWith(name + " ", StringComparison.Ordinal))),
        ];
        Assert.Empty(complaints);
        Assert.True(code is 0 or 3, output);
    }

    [Fact]
    public async Task OpenMetricsPage_OfTheSample_PassesTheStrictParser()
    {
        (int found, _) = await Shipped.RunAsync(Shipped.Python, ["-c", "import prometheus_client"]);
        Assert.SkipWhen(
            found != 0,
            "The OpenMetrics parser is not installed; on Debian: apt-get install python3-prometheus-client.");
        string page = await PageAsync("application/openmetrics-text;version=1.0.0");
        (int code, string output) = await Shipped.RunAsync(
            Shipped.Python, ["-c", "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as p\nprint(len(list(p(sys.stdin.read()))))"], page);
        Assert.True(code == 0, output);
        Assert.True(int.Parse(output, System.Globalization.CultureInfo.InvariantCulture) > 40);
    }

    [Fact]
    public async Task Rules_AsShipped_PassPromtoolsCheckAndUnitTests()
    {
        Shipped.SkipWithout("promtool", "prometheus");
        string folder = Path.Combine(Shipped.Operations, "prometheus");
        (int code, string output) = await Shipped.RunAsync(
            "promtool", ["check", "config", Path.Combine(folder, "prometheus.yml")]);
        Assert.True(code == 0, output);
        (code, output) = await Shipped.RunAsync(
            "promtool", ["test", "rules", Path.Combine(Shipped.Root, "tests", "Coach.Integration.Tests", "Prometheus", "coach-alerts.test.yml")]);
        Assert.True(code == 0, output);
    }

    [Fact]
    public void EveryAlert_HasARunbookEntryAndAUnitTest()
    {
        string guide = File.ReadAllText(Path.Combine(Shipped.Root, "docs", "guides", "operations.md"));
        string tests = File.ReadAllText(
            Path.Combine(Shipped.Root, "tests", "Coach.Integration.Tests", "Prometheus", "coach-alerts.test.yml"));
        string[] alerts = [.. Shipped.Alerts()];
        Assert.True(alerts.Length >= 11);
        Assert.All(alerts, alert => Assert.Contains($"\n### {alert}\n", guide, StringComparison.Ordinal));
        Assert.All(alerts, alert => Assert.Contains($"alertname: {alert}\n", tests, StringComparison.Ordinal));
        Assert.All(
            alerts,
            alert => Assert.Contains($"operations.md#{alert.ToLowerInvariant()}", Shipped.Rules("coach-alerts.yml"), StringComparison.Ordinal));
    }

    private static async Task<string> PageAsync(string accept)
    {
        await using ChatHost host = await ChatHost.StartAsync();
        using HttpClient visitor = host.NewVisitor();
        await UseAsync(host, visitor, 0);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using HttpResponseMessage response = await visitor.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task UseAsync(ChatHost host, HttpClient visitor, int round)
    {
        await visitor.AskAsync("How are payment links made only once?");
        using HttpResponseMessage link = await visitor.CreateLinkAsync($"order-{round}", """{"amount":1250,"currency":"usd","description":"Tea"}""");
        using HttpResponseMessage ready = await visitor.GetAsync("/readyz");
        using HttpClient other = host.NewVisitor();
        using HttpResponseMessage refused = await other.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = $"wrong-key-number-{round}" }));
    }
}
