using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Prometheus;

/// <summary>The operations text that Coach.Observability ships, and the tools that judge it.</summary>
internal static partial class Shipped
{
    public static string Root { get; } = FindRoot();

    /// <summary>The system's Python: Debian's packages are not seen by others.</summary>
    public static string Python => File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

    public static string Operations => Path.Combine(Root, "src", "Coach.Observability", "operations");

    public static string Rules(string name) => File.ReadAllText(Path.Combine(Operations, "prometheus", name));

    /// <summary>The panels of all dashboards, each with its queries, Grafana's variables replaced.</summary>
    public static IReadOnlyList<(string Panel, string[] Queries)> Panels() =>
    [
        .. Dashboards().SelectMany(dashboard => dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.TryGetProperty("targets", out _))
            .Select(panel => (
                $"{dashboard.RootElement.GetProperty("title")}: {panel.GetProperty("title")}",
                panel.GetProperty("targets").EnumerateArray()
                    .Select(target => target.GetProperty("expr").GetString()!
                        .Replace("$__rate_interval", "1m", StringComparison.Ordinal)
                        .Replace("$job", ".*", StringComparison.Ordinal)
                        .Replace("$instance", ".*", StringComparison.Ordinal))
                    .ToArray()))),
    ];

    public static IEnumerable<JsonDocument> Dashboards() =>
        Directory.EnumerateFiles(Path.Combine(Operations, "grafana"), "*.json")
            .Order(StringComparer.Ordinal)
            .Select(file => JsonDocument.Parse(File.ReadAllText(file)));

    public static IEnumerable<string> Records() =>
        RecordPattern().Matches(Rules("coach-recording-rules.yml")).Select(match => match.Groups[1].Value);

    public static IEnumerable<string> AlertQueries() =>
        ExpressionPattern().Matches(Rules("coach-alerts.yml")).Select(match => match.Groups[1].Value);

    public static IEnumerable<string> Alerts() =>
        AlertPattern().Matches(Rules("coach-alerts.yml")).Select(match => match.Groups[1].Value);

    /// <summary>The names of metrics and recordings in a query.</summary>
    public static IEnumerable<string> MetricsOf(string query) =>
        MetricPattern().Matches(LabelPattern().Replace(query, "")).Select(match => match.Value).Distinct();

    public static void SkipWithout(string tool, string package)
    {
        if (!Exists(tool))
        {
            Assert.Skip($"{tool} is not installed; on Debian: apt-get install {package}.");
        }
    }

    public static async Task<(int Code, string Output)> RunAsync(string tool, string[] arguments, string input = "")
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (!Exists(tool))
        {
            return (-1, $"{tool} is not installed");
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It did not want to read on; its exit code says the rest.
        }

        using var limit = new CancellationTokenSource(ChatHost.HangLimit);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await error);
    }

    private static bool Exists(string tool) =>
        File.Exists(tool) || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, tool)));

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Coach.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException(
            "Coach.sln was not found above the test's folder; run the tests from a clone.");
    }

    [GeneratedRegex(@"- record: (\S+)")]
    private static partial Regex RecordPattern();

    [GeneratedRegex(@"- alert: (\S+)")]
    private static partial Regex AlertPattern();

    [GeneratedRegex(@"expr: (.+)")]
    private static partial Regex ExpressionPattern();

    [GeneratedRegex(@"\{[^}]*\}|""[^""]*""|\bby \([^)]*\)|\bon \([^)]*\)|\[[^\]]*\]")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"\b(?:[a-z_]+:coach_[a-z0-9_:]+|(?:coach|gen_ai|http_server|process)_[a-z0-9_]+|up)\b")]
    private static partial Regex MetricPattern();
}
