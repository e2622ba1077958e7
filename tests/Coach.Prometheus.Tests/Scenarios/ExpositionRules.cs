using System.Globalization;
using System.Text.RegularExpressions;

namespace Coach.Prometheus.Tests.Scenarios;

/// <summary>
/// The rules that every page keeps, whatever is on it (prometheus/OpenMetrics: specification/OpenMetrics.md).
/// </summary>
internal static partial class ExpositionRules
{
    /// <summary>What the page breaks; empty when it is right.</summary>
    public static IReadOnlyList<string> Broken(string page, bool openMetrics)
    {
        var broken = new List<string>();
        var families = new Dictionary<string, string>(StringComparer.Ordinal);
        var series = new HashSet<string>(StringComparer.Ordinal);
        var buckets = new Dictionary<string, (double Bound, double Count)>(StringComparer.Ordinal);
        var infinite = new Dictionary<string, double>(StringComparer.Ordinal);
        string family = "", type = "";
        bool hasSamples = false;
        string[] lines = page.Split('\n');
        Check(lines[^1].Length == 0, "the page does not end with a line feed");
        Check(!openMetrics || lines[^2] == "# EOF", "the page does not end with # EOF");
        Check(openMetrics || !page.Contains("# EOF", StringComparison.Ordinal), "a text page ends with # EOF");
        foreach (string line in lines[..^1].Where(line => line != "# EOF"))
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ', 4);
                if (words[2] != family)
                {
                    Check(families.TryAdd(words[2], words[1]), $"{words[2]}: metadata stands twice");
                    (family, type, hasSamples) = (words[2], "", false);
                }

                Check(!hasSamples, $"{family}: metadata follows samples");
                Check(words[1] is "HELP" or "TYPE" || (openMetrics && words[1] == "UNIT"), $"{line}: unknown metadata");
                Check(
                    words[1] != "UNIT" || family.EndsWith("_" + words[3], StringComparison.Ordinal),
                    $"{line}: the unit is not in the name");
                type = words[1] == "TYPE" ? words[3] : type;
                continue;
            }

            hasSamples = true;
            Match sample = SamplePattern().Match(line);
            if (!sample.Success)
            {
                broken.Add($"{line}: no sample");
                continue;
            }

            string name = sample.Groups["name"].Value, labels = sample.Groups["labels"].Value;
            string suffix = name.StartsWith(family, StringComparison.Ordinal) ? name[family.Length..] : "?";
            Check(Suffixes(type, openMetrics).Contains(suffix), $"{line}: no sample of {type} {family}");
            Check(series.Add(name + labels), $"{line}: stands twice");
            string[] keys = [.. LabelPattern().Matches(labels).Select(match => match.Groups[1].Value)];
            Check(keys.Length == keys.Distinct().Count(), $"{line}: a label stands twice");
            Check(
                !keys.Contains("quantile") && (!keys.Contains("le") || suffix == "_bucket"),
                $"{line}: a reserved label");
            Check(!labels.Contains("=\"\"", StringComparison.Ordinal), $"{line}: an empty label");
            double value = Number(sample.Groups["value"].Value);
            Check(type != "counter" || (value >= 0 && double.IsFinite(value)), $"{line}: no counter's value");
            Check(openMetrics || !sample.Groups["exemplar"].Success, $"{line}: an exemplar in text");
            CheckExemplar(line, sample);
            if (type != "histogram" || suffix == "_created")
            {
                continue;
            }

            string owner = family + LePattern().Replace(labels, "").Replace("{}", "", StringComparison.Ordinal);
            if (suffix == "_bucket")
            {
                double bound = Number(LePattern().Match(labels).Groups[1].Value);
                Check(
                    !buckets.TryGetValue(owner, out (double Bound, double Count) before)
                        || (bound > before.Bound && value >= before.Count),
                    $"{line}: buckets are not ascending");
                buckets[owner] = (bound, value);
                infinite[owner] = value;
            }
            else if (suffix == "_count")
            {
                Check(
                    double.IsPositiveInfinity(buckets[owner].Bound) && infinite[owner] == value,
                    $"{line}: is not the +Inf bucket");
            }
        }

        return broken;

        void Check(bool holds, string problem)
        {
            if (!holds)
            {
                broken.Add(problem);
            }
        }

        void CheckExemplar(string line, Match sample)
        {
            if (sample.Groups["exemplar"].Success)
            {
                string[] texts =
                [
                    .. LabelPattern()
                        .Matches(sample.Groups["exemplar"].Value)
                        .SelectMany(match => new[] { match.Groups[1].Value, match.Groups[2].Value }),
                ];
                Check(
                    texts.Sum(text => text.EnumerateRunes().Count()) <= 128,
                    $"{line}: the exemplar is over 128 characters");
            }
        }
    }

    private static string[] Suffixes(string type, bool openMetrics) => type switch
    {
        "counter" => openMetrics ? ["_total", "_created"] : [""],
        "histogram" => openMetrics ? ["_bucket", "_sum", "_count", "_created"] : ["_bucket", "_sum", "_count"],
        "info" when openMetrics => ["_info"],
        "gauge" => [""],
        _ => [],
    };

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex("""^(?<name>[a-zA-Z_][a-zA-Z0-9_]*)(?<labels>\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? (?<value>NaN|[+-]Inf|-?[0-9][0-9.eE+-]*)(?: # \{(?<exemplar>[^}]*)\} [0-9.eE+-]+ [0-9.]+)?$""")]
    private static partial Regex SamplePattern();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)=""((?:[^""\\]|\\.)*)""")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"(?:,|(?<=\{))le=""([^""]*)""")]
    private static partial Regex LePattern();
}
