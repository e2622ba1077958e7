using System.Collections.Frozen;
using System.Text;

namespace Coach.Prometheus.Collection;

/// <summary>
/// Turns instrument names, units and tag keys into Prometheus names, as the OpenTelemetry specification maps them
/// (specification/compatibility/prometheus_and_openmetrics.md).
/// </summary>
internal static class MetricNames
{
    private static readonly FrozenDictionary<string, string> Units = new Dictionary<string, string>
    {
        ["d"] = "days",
        ["h"] = "hours",
        ["min"] = "minutes",
        ["s"] = "seconds",
        ["ms"] = "milliseconds",
        ["us"] = "microseconds",
        ["ns"] = "nanoseconds",
        ["By"] = "bytes",
        ["KiBy"] = "kibibytes",
        ["MiBy"] = "mebibytes",
        ["GiBy"] = "gibibytes",
        ["TiBy"] = "tebibytes",
        ["KBy"] = "kilobytes",
        ["MBy"] = "megabytes",
        ["GBy"] = "gigabytes",
        ["TBy"] = "terabytes",
        ["B"] = "bytes",
        ["KB"] = "kilobytes",
        ["MB"] = "megabytes",
        ["GB"] = "gigabytes",
        ["TB"] = "terabytes",
        ["m"] = "meters",
        ["V"] = "volts",
        ["A"] = "amperes",
        ["J"] = "joules",
        ["W"] = "watts",
        ["g"] = "grams",
        ["Cel"] = "celsius",
        ["Hz"] = "hertz",
        ["%"] = "percent",
        ["1"] = "",
        [""] = "",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> PerUnits = new Dictionary<string, string>
    {
        ["s"] = "second",
        ["m"] = "minute",
        ["min"] = "minute",
        ["h"] = "hour",
        ["d"] = "day",
        ["w"] = "week",
        ["mo"] = "month",
        ["y"] = "year",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>
    /// The family's name without <c>_total</c>, and the unit's word when the name ends with <c>_</c> and it: Prometheus
    /// refuses a page with any other unit, so an instrument that is called like its unit shows none.
    /// </summary>
    public static (string Name, string Unit) Family(
        string instrument, string? unit, bool isCounter, string meter, IDictionary<string, string> prefixes)
    {
        string name = Sanitize(instrument);
        if (isCounter && name.EndsWith("_total", StringComparison.Ordinal) && name.Length > 6)
        {
            name = name[..^6];
        }

        string word = UnitWord(unit ?? "");
        if (word.Length > 0 && name != word && !name.EndsWith("_" + word, StringComparison.Ordinal))
        {
            name = $"{name}_{word}";
        }

        name = WithPrefix(name, meter, prefixes);
        return (name, name.EndsWith("_" + word, StringComparison.Ordinal) ? word : "");
    }

    // Only of meters that are called like the word: somebody else's "coach.x" keeps its name.
    private static string WithPrefix(string name, string meter, IDictionary<string, string> prefixes)
    {
        foreach ((string first, string shown) in prefixes)
        {
            bool isOfMeter = meter.StartsWith(first, StringComparison.OrdinalIgnoreCase)
                && (meter.Length == first.Length || meter[first.Length] == '.');
            if (isOfMeter && name.StartsWith(first + "_", StringComparison.Ordinal))
            {
                return shown + name[first.Length..];
            }
        }

        return name;
    }

    /// <summary>
    /// A legal name: other characters become <c>_</c>, runs of it one, and a leading digit gets one in front.
    /// </summary>
    public static string Sanitize(string text)
    {
        var result = new StringBuilder(text.Length + 1);
        foreach (char c in text)
        {
            bool isLegal = char.IsAsciiLetterOrDigit(c);
            if (isLegal && result.Length == 0 && char.IsAsciiDigit(c))
            {
                result.Append('_');
            }

            if (isLegal)
            {
                result.Append(c);
            }
            else if (result.Length == 0 || result[^1] != '_')
            {
                result.Append('_');
            }
        }

        return result.Length == 0 ? "_" : result.ToString();
    }

    /// <summary>
    /// A legal label name. <c>le</c> and <c>quantile</c> belong to the format, so they are set aside as Prometheus
    /// itself does.
    /// </summary>
    public static string Label(string key)
    {
        string name = Sanitize(key);
        return name is "le" or "quantile" ? "exported_" + name : name;
    }

    private static string UnitWord(string unit)
    {
        string bare = WithoutAnnotations(unit);
        int slash = bare.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            return Word(bare, Units);
        }

        string first = Word(bare[..slash], Units);
        string second = Word(bare[(slash + 1)..], PerUnits);
        return (first.Length, second.Length) switch
        {
            (_, 0) => first,
            (0, _) => "per_" + second,
            _ => $"{first}_per_{second}",
        };
    }

    private static string Word(string unit, FrozenDictionary<string, string> words) =>
        words.TryGetValue(unit, out string? word) ? word : UnknownWord(unit);

    private static string UnknownWord(string unit) =>
        unit.Any(char.IsAsciiLetterOrDigit) ? Sanitize(unit).Trim('_') : "";

    private static string WithoutAnnotations(string unit)
    {
        if (!unit.Contains('{', StringComparison.Ordinal))
        {
            return unit.Trim();
        }

        var result = new StringBuilder(unit.Length);
        int depth = 0;
        foreach (char c in unit)
        {
            depth += c == '{' ? 1 : 0;
            if (depth == 0)
            {
                result.Append(c);
            }

            depth -= c == '}' && depth > 0 ? 1 : 0;
        }

        return result.ToString().Trim();
    }
}
