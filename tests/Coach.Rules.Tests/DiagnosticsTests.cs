using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Coach.Abstractions;
using Microsoft.Extensions.Logging;

namespace Coach.Rules.Tests;

/// <summary>
/// <c>docs/diagnostics.md</c> lists every event id, metric, label and error code: its tables are read from the code. Run the tests with
/// <c>COACH_APPROVE=1</c> to write them anew.
/// </summary>
public sealed partial class DiagnosticsTests
{
    private static readonly (string Package, int First)[] Blocks =
    [
        ("Coach.Abstractions", 1000), ("Coach.Llm", 2000), ("Coach.Rag", 3000), ("Coach.Payments", 4000),
        ("Coach.Observability", 5000), ("Coach.AspNetCore", 6000), ("Coach.Payments.Mcp", 7000),
        ("Coach.Prometheus", 8000), ("Coach.Usage", 9000),
    ];

    // Every label that Coach puts on a metric or a span's dimensions. Each takes its values from a closed set.
    private static readonly string[] Labels =
        ["check", "commit", "format", "from", "index", "kind", "limit", "model", "outcome", "parameter", "provider", "reason", "runtime", "state", "status", "step", "store", "tier", "to", "version"];

    private static string Page => Path.Combine(Repository.Root, "docs", "diagnostics.md");

    [Theory]
    [InlineData("events")]
    [InlineData("metrics")]
    [InlineData("errors")]
    public void Diagnostics_ATable_SaysWhatTheCodeSays(string section)
    {
        string expected = section switch { "events" => Events(), "metrics" => Metrics(), _ => Errors() };
        string page = File.ReadAllText(Page).ReplaceLineEndings("\n");
        string start = $"<!-- {section}: read from the code -->\n";
        string end = $"<!-- end of {section} -->";
        int from = page.IndexOf(start, StringComparison.Ordinal) + start.Length;
        int to = page.IndexOf(end, StringComparison.Ordinal);
        Assert.True(from >= start.Length && to >= from, $"docs/diagnostics.md has no section '{section}'");
        if (Environment.GetEnvironmentVariable("COACH_APPROVE") == "1")
        {
            lock (Blocks)
            {
                page = File.ReadAllText(Page).ReplaceLineEndings("\n");
                from = page.IndexOf(start, StringComparison.Ordinal) + start.Length;
                to = page.IndexOf(end, StringComparison.Ordinal);
                File.WriteAllText(Page, page[..from] + expected + page[to..]);
            }

            return;
        }

        Assert.Equal(expected, page[from..to]);
    }

    [Fact]
    public void EventIds_AreUniqueAndInTheirPackagesBlock()
    {
        (string Package, LoggerMessageAttribute Event)[] all = [.. AllEvents()];
        Assert.True(all.Length > 30, "the log messages were not found");
        Assert.Empty(all.GroupBy(entry => entry.Event.EventId).Where(group => group.Count() > 1).Select(group => group.Key));
        Assert.All(all, entry =>
        {
            int first = Blocks.Single(block => block.Package == entry.Package).First;
            Assert.InRange(entry.Event.EventId, first, first + 999);
        });
    }

    [Fact]
    public void MetricLabels_AreOfTheClosedList()
    {
        string[] used = [.. Repository.Packages.Where(package => package != "Coach.Testing").SelectMany(Repository.SourceFiles)
            .Where(file => !file.EndsWith("/RequestIdMiddleware.cs", StringComparison.Ordinal) && !file.Contains("/Logging/", StringComparison.Ordinal))
            .SelectMany(file => LabelPattern().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(Labels.Where(used.Contains), used.Where(label => !label.StartsWith("otel_scope", StringComparison.Ordinal)));
        string page = File.ReadAllText(Page);
        Assert.All(Labels, label => Assert.Contains($"| `{label}` |", page, StringComparison.Ordinal));
    }

    [Fact]
    public void ContractMetrics_AreAllOnThePage()
    {
        string page = File.ReadAllText(Page);
        foreach (string name in new[]
        {
            "coach_config_memory_mb", "coach_config_max_containers", "coach_container_memory_usage_bytes", "coach_container_memory_limit_bytes",
            "coach_container_cpu_usage_seconds_total", "coach_process_uptime_seconds", "coach_rag_available", "coach_rag_document_count", "coach_rag_type",
            "coach_byok_enabled", "coach_byok_user_count", "coach_llm_key_validations_total", "coach_llm_sessions_active", "coach_llm_session_rejections_total",
            "coach_llm_session_evictions_total", "coach_rag_retrievals_total", "coach_rag_fallbacks_total", "coach_rag_retrieval_duration_seconds",
            "coach_payments_links_total", "coach_payments_gateway_available", "coach_payments_attempts_total", "gen_ai_client_operation_duration_seconds",
            "gen_ai_client_token_usage", "coach_store_available",
        })
        {
            Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal);
        }
    }

    private static string Events()
    {
        var text = new StringBuilder("| Id | Level | Package | Message |\n|---|---|---|---|\n");
        foreach ((string package, LoggerMessageAttribute entry) in AllEvents().OrderBy(entry => entry.Event.EventId))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {entry.EventId} | {entry.Level} | {package} | {entry.Message.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }

        return text.ToString();
    }

    private static IEnumerable<(string Package, LoggerMessageAttribute Event)> AllEvents() => Blocks.Select(block => block.Package)
        .SelectMany(package => Repository.Load(package).GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).Where(attribute => attribute is not null).Select(attribute => (package, attribute!)));

    private static string Metrics()
    {
        var rows = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string package in Repository.Packages.Where(package => package != "Coach.Testing"))
        {
            string[] sources = [.. Repository.SourceFiles(package).Select(file => JoinPattern().Replace(File.ReadAllText(file), ""))];
            var constants = sources.SelectMany(source => ConstantPattern().Matches(source))
                .GroupBy(match => match.Groups[1].Value).ToDictionary(group => group.Key, group => group.First().Groups[2].Value);
            foreach (Match match in sources.SelectMany(source => InstrumentPattern().Matches(source)))
            {
                string[] literals = [.. LiteralPattern().Matches(match.Groups["rest"].Value).Select(literal => literal.Groups[1].Value)];
                string constant = match.Groups["constant"].Value;
                string name = match.Groups["name"].Value;
                if (constant.Length > 0 && !constants.TryGetValue(constant[(constant.LastIndexOf('.') + 1)..], out name!))
                {
                    continue; // a method of the same name that has nothing to do with metrics
                }

                string description = literals.FirstOrDefault(literal => literal.Contains(' ', StringComparison.Ordinal)) ?? "";
                string unit = literals.FirstOrDefault(literal => literal.Length > 0 && !literal.Contains(' ', StringComparison.Ordinal)) ?? "";
                string kind = match.Groups["kind"].Value;
                string exposed = Exposed(name, unit, kind.Contains("Counter", StringComparison.Ordinal) && !kind.Contains("UpDown", StringComparison.Ordinal));
                string type = kind.Contains("Histogram", StringComparison.Ordinal) ? "histogram" : exposed.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge";
                rows[exposed] = $"| `{exposed}` | {type} | `{name}` | {package} | {description} |\n";
            }
        }

        return "| On the metrics page | Type | Instrument | Meter | Meaning |\n|---|---|---|---|---|\n" + string.Concat(rows.Values);
    }

    private static string Exposed(string instrument, string unit, bool isCounter)
    {
        string name = instrument.Replace('.', '_');
        name += unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        return isCounter ? name + "_total" : name;
    }

    private static string Errors()
    {
        var text = new StringBuilder();
        foreach (string code in ErrorCodes.All)
        {
            text.Append(CultureInfo.InvariantCulture, $"- `{code}`\n");
        }

        return text.ToString();
    }

    [GeneratedRegex(@"(?:\.Create(?<kind>(?:Observable)?(?:UpDownCounter|Counter|Gauge|Histogram))(?:<\w+>)?|\bOptional(?<kind>Counter)?)\(\s*(?:""(?<name>[a-z][a-z0-9_.]*)""|(?<constant>[A-Z]\w+\.\w+)),(?<rest>(?:""(?:[^""\\]|\\.)*""|[^;""])*);", RegexOptions.Singleline)]
    private static partial Regex InstrumentPattern();

    [GeneratedRegex(@"""((?:[^""\\]|\\.)*)""")]
    private static partial Regex LiteralPattern();

    [GeneratedRegex(@"const string (\w+) = ""([a-z_.]+)""")]
    private static partial Regex ConstantPattern();

    // A text that goes on in the next line is one literal.
    [GeneratedRegex(@"""\s*\+\s*""")]
    private static partial Regex JoinPattern();

    [GeneratedRegex(@"(?:KeyValuePair<string, object\?>|new)\(""([a-z_]+)"", ")]
    private static partial Regex LabelPattern();
}
