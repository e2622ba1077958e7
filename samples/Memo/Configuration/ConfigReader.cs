using System.Globalization;
using Coach.Configuration.Yaml;

namespace Memo.Configuration;

/// <summary>The values of one file, read with their ranges; every error names file and line.</summary>
internal sealed class ConfigReader(string file, IReadOnlyList<YamlEntry> entries)
{
    private readonly Dictionary<string, YamlEntry> _entries =
        entries.ToDictionary(entry => entry.Key, StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<YamlEntry> Entries => entries;

    public string? Find(string key) => _entries.GetValueOrDefault(key)?.Value;

    public string Text(string key, int maxLength) => Text(key, null, maxLength);

    public string Text(string key, string? fallback, int maxLength = 1_000)
    {
        string? text = Find(key);
        text = string.IsNullOrWhiteSpace(text) ? fallback : text.Trim();
        return text switch
        {
            null => throw Fail(key, $"{key} is missing. Set it."),
            _ when text.Length > maxLength => throw Fail(
                key, string.Create(CultureInfo.InvariantCulture, $"{key} may have {maxLength:N0} characters at most.")),
            _ => text,
        };
    }

    public string OneOf(string key, string fallback, params string[] allowed)
    {
        string text = Text(key, fallback);
        return allowed.Contains(text)
            ? text
            : throw Fail(key, $"{key} must be one of {string.Join(", ", allowed)}.");
    }

    public int Int(string key, int fallback, int minimum, int maximum) =>
        (int)Number(key, fallback, minimum, maximum, isWhole: true);

    public decimal Number(string key, decimal fallback, decimal minimum, decimal maximum, bool isWhole = false)
    {
        string? text = Find(key);
        if (text is null)
        {
            return fallback;
        }

        const NumberStyles styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;
        bool isNumber = decimal.TryParse(text, styles, CultureInfo.InvariantCulture, out decimal value)
            && (!isWhole || value == decimal.Truncate(value));
        return isNumber && value >= minimum && value <= maximum
            ? value
            : throw Fail(key, string.Create(
                CultureInfo.InvariantCulture,
                $"{key} must be a {(isWhole ? "whole " : "")}number between {minimum} and {maximum}."));
    }

    public bool Bool(string key, bool fallback) => Find(key) switch
    {
        null => fallback,
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => throw Fail(key, $"{key} must be true or false."),
    };

    public YamlConfigurationException Fail(string key, string reason)
    {
        YamlEntry? entry = _entries.GetValueOrDefault(key) ?? entries.FirstOrDefault(
            each => each.Key.StartsWith(key + ":", StringComparison.OrdinalIgnoreCase));
        return new YamlConfigurationException(file, entry?.Line ?? 0, reason);
    }
}
