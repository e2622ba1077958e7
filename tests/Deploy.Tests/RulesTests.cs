using System.Text.RegularExpressions;

namespace Deploy.Tests;

/// <summary>Figures: the rules that keep older dashboards going, and what Prometheus and Alertmanager are told.</summary>
public sealed partial class RulesTests
{
    private static readonly string[] Nine =
    [
        "maya_config_memory_mb", "maya_config_max_containers", "maya_container_memory_usage_bytes", "maya_container_memory_limit_bytes",
        "maya_container_cpu_usage_seconds_total", "maya_process_uptime_seconds", "maya_rag_available", "maya_rag_document_count", "maya_rag_type",
    ];

    private static readonly string[] Later =
    [
        "maya_container_memory_utilization", "maya_container_memory_available_mb", "maya_container_memory_pressure", "maya_active_sessions",
        "maya_max_sessions", "maya_session_utilization", "maya_sessions_created_total", "maya_sessions_rejected_total", "maya_sessions_expired_total",
    ];

    [Fact]
    public void MayaNames_AreAllRecorded_FromMetricsThatAreServed()
    {
        string served = File.ReadAllText(Path.Combine(DeployFiles.Root, "docs", "diagnostics.md"));
        List<Dictionary<object, object>> rules = [.. DeployFiles.Documents("prometheus/maya-recording-rules.yml")[0].List("groups")
            .SelectMany(group => ((Dictionary<object, object>)group).List("rules")).Cast<Dictionary<object, object>>()];

        Assert.Equal([.. Nine, .. Later, "maya_byok_enabled", "maya_byok_user_count"], rules.Select(rule => rule.Text("record")));
        Assert.All(rules, rule => Assert.All(
            MetricName().Matches(rule.Text("expr")).Select(match => match.Value),
            name => Assert.Contains($"| `{name}` |", served, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Rules_PassPromtool()
    {
        DeployFiles.SkipWithout("promtool", "prometheus");
        (int code, string output, string errors) = await DeployFiles.RunAsync(
            "promtool", ["check", "rules", Path.Combine(DeployFiles.Deploy, "prometheus", "maya-recording-rules.yml")]);
        Assert.True(code == 0, output + errors);
    }

    [Fact]
    public async Task Rules_OverSeriesOfTheHost_GiveTheNamesOfTheDashboards()
    {
        DeployFiles.SkipWithout("promtool", "prometheus");
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("test.yml"), $$"""
            rule_files: [{{Path.Combine(DeployFiles.Deploy, "prometheus", "maya-recording-rules.yml")}}]
            evaluation_interval: 1m
            tests:
              - interval: 1m
                input_series:
                  - { series: 'coach_container_memory_limit_bytes{job="c"}', values: '1073741824x5' }
                  - { series: 'coach_container_memory_usage_bytes{job="c"}', values: '536870912x5' }
                  - { series: 'coach_llm_sessions_active{job="c"}', values: '25x5' }
                  - { series: 'coach_llm_sessions_limit{job="c"}', values: '100x5' }
                  - { series: 'coach_llm_session_evictions_total{job="c",reason="idle"}', values: '3x5' }
                  - { series: 'coach_llm_session_evictions_total{job="c",reason="absolute"}', values: '2x5' }
                  - { series: 'coach_llm_session_evictions_total{job="c",reason="memory"}', values: '7x5' }
                  - { series: 'coach_llm_session_rejections_total{job="c",reason="memory"}', values: '1x5' }
                  - { series: 'coach_llm_session_rejections_total{job="c",reason="sessions"}', values: '4x5' }
                promql_expr_test:
                  - { expr: maya_container_memory_available_mb, eval_time: 3m, exp_samples: [{ labels: 'maya_container_memory_available_mb{job="c"}', value: 512 }] }
                  - { expr: maya_session_utilization, eval_time: 3m, exp_samples: [{ labels: 'maya_session_utilization{job="c"}', value: 0.25 }] }
                  - { expr: maya_max_sessions, eval_time: 3m, exp_samples: [{ labels: 'maya_max_sessions{job="c"}', value: 100 }] }
                  - { expr: maya_sessions_expired_total, eval_time: 3m, exp_samples: [{ labels: 'maya_sessions_expired_total{job="c"}', value: 5 }] }
                  - { expr: maya_sessions_rejected_total, eval_time: 3m, exp_samples: [{ labels: 'maya_sessions_rejected_total{job="c"}', value: 5 }] }
            """.Replace("x5'", "+0x5'", StringComparison.Ordinal));

        (int code, string output, string errors) = await DeployFiles.RunAsync("promtool", ["test", "rules", folder.File("test.yml")]);

        Assert.True(code == 0, output + errors);
    }

    [Fact]
    public async Task PrometheusConfiguration_PassesPromtool()
    {
        DeployFiles.SkipWithout("promtool", "prometheus");
        using var folder = new TempFolder();
        string text = DeployFiles.Read("prometheus/prometheus.yml")
            .Replace("/etc/prometheus/coach/", Path.Combine(DeployFiles.Root, "src/Coach.Observability/operations/prometheus/"), StringComparison.Ordinal)
            .Replace("/etc/prometheus/local/", Path.Combine(DeployFiles.Deploy, "prometheus/"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder.File("prometheus.yml"), text);
        (int code, string output, string errors) = await DeployFiles.RunAsync("promtool", ["check", "config", folder.File("prometheus.yml")]);
        Assert.True(code == 0, output + errors);
    }

    [Fact]
    public void Alertmanager_SendsToReceiversThatExist()
    {
        Dictionary<object, object> config = DeployFiles.Documents("alertmanager/alertmanager.yml")[0];
        Assert.Contains(
            config.At("route", "receiver"), config.List("receivers").Select(receiver => ((Dictionary<object, object>)receiver)["name"]));
    }

    [GeneratedRegex("coach_[a-z_]+")]
    private static partial Regex MetricName();
}
