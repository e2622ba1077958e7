using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;

namespace Coach;

/// <summary>
/// Collects every problem of one options object, each with its configuration key, value and allowed range.
/// </summary>
internal sealed class OptionsCheck(string section, string? name)
{
    private readonly List<string> _problems = [];
    private readonly string _prefix = string.IsNullOrEmpty(name) ? section : $"{section}:{name}";

    public OptionsCheck InRange<T>(
        T value, T minimum, T maximum, [CallerArgumentExpression(nameof(value))] string expression = "")
        where T : IComparable<T>
    {
        if (value.CompareTo(minimum) < 0 || value.CompareTo(maximum) > 0)
        {
            _problems.Add(
                $"{Key(expression)} is {Text(value)}; it must be between {Text(minimum)} and {Text(maximum)}.");
        }

        return this;
    }

    public OptionsCheck Positive<T>(T value, [CallerArgumentExpression(nameof(value))] string expression = "")
        where T : struct, IComparable<T>
    {
        if (value.CompareTo(default) <= 0)
        {
            _problems.Add($"{Key(expression)} is {Text(value)}; it must be greater than {Text(default(T))}.");
        }

        return this;
    }

    public OptionsCheck Present(object? value, [CallerArgumentExpression(nameof(value))] string expression = "")
    {
        if (value is null or "")
        {
            _problems.Add($"{Key(expression)} is missing; set it.");
        }

        return this;
    }

    public OptionsCheck HttpUrl(Uri? value, [CallerArgumentExpression(nameof(value))] string expression = "")
    {
        bool isHttp = value is { IsAbsoluteUri: true }
            && (value.Scheme == Uri.UriSchemeHttps || value.Scheme == Uri.UriSchemeHttp);
        if (value is null || !isHttp)
        {
            _problems.Add(
                $"{Key(expression)} is not an absolute URL; it must start with https:// (or http:// on a trusted network).");
        }
        else if (value.UserInfo.Length > 0 || value.Query.Length > 0)
        {
            _problems.Add(
                $"{Key(expression)} carries credentials or a query; keys travel in headers, so give the bare address.");
        }

        return this;
    }

    public OptionsCheck That(bool condition, string problem)
    {
        if (!condition)
        {
            _problems.Add(problem);
        }

        return this;
    }

    public ValidateOptionsResult Result() =>
        _problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(_problems);

    // "options.Gemini.BaseUrl" becomes "Coach:Llm:Gemini:BaseUrl".
    private string Key(string expression)
    {
        int dot = expression.IndexOf('.', StringComparison.Ordinal);
        string path = dot < 0 ? expression : expression[(dot + 1)..];
        return $"{_prefix}:{path.Replace(".", ":", StringComparison.Ordinal)}";
    }

    private static string Text<T>(T value) =>
        value is IFormattable formattable
            ? formattable.ToString(null, CultureInfo.InvariantCulture)
            : value?.ToString() ?? "null";
}
