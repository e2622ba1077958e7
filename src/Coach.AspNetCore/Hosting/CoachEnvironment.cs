using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// Gives the documented environment variables the configuration keys they stand for. A configuration key that is set by
/// itself wins; a variable that holds nonsense is passed on, so that the options' own check names it.
/// </summary>
internal static class CoachEnvironment
{
    internal static readonly IReadOnlyList<(string Variable, string Key)> Aliases =
    [
        ("COACH_MODE", "Coach:Mode"),
        ("GEMINI_MODEL_VERSION", "Coach:Llm:Gemini:Model"),
        ("TEMPERATURE", "Coach:Llm:Temperature"),
        ("MAX_OUTPUT_TOKENS", "Coach:Llm:MaxOutputTokens"),
        ("LITELLM_API_BASE", "Coach:Llm:OpenAICompatible:BaseUrl"),
        ("MODAL_MEMORY_MB", "Coach:Deployment:MemoryMb"),
        ("MODAL_MAX_CONTAINERS", "Coach:Deployment:MaxContainers"),
        ("MAYA_MAX_SESSIONS", "Coach:Llm:Sessions:MaxSessions"),
        ("LOG_LEVEL", LogLevelKey),
    ];

    private const string LogLevelKey = "Logging:LogLevel:Default";

    /// <summary>
    /// Sets the keys; what neither the server nor the log could use is left out and returned as problems.
    /// </summary>
    public static IReadOnlyList<string> Apply(IConfigurationManager configuration)
    {
        var problems = new List<string>();
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach ((string variable, string key) in Aliases)
        {
            string? value = configuration[variable];
            bool isOwnDefault = key.StartsWith("Logging:", StringComparison.Ordinal);
            if (!string.IsNullOrWhiteSpace(value) && (isOwnDefault || configuration[key] is null))
            {
                values[key] = value.Trim();
            }
        }

        if (bool.TryParse(configuration["DEBUG"], out bool debug) && debug)
        {
            values[LogLevelKey] = "Debug";
        }

        // The log would refuse it while the host is built, before anyone can say so.
        string level = values.GetValueOrDefault(LogLevelKey) ?? configuration[LogLevelKey] ?? "";
        if (level.Length > 0 && !(Enum.TryParse(level, ignoreCase: true, out LogLevel known) && Enum.IsDefined(known)))
        {
            values[LogLevelKey] = nameof(LogLevel.Information);
            string name = string.IsNullOrWhiteSpace(configuration["LOG_LEVEL"]) ? LogLevelKey : "LOG_LEVEL";
            string levels = string.Join(", ", Enum.GetNames<LogLevel>());
            problems.Add($"{name} is {Shown(level)}; it must be one of {levels}.");
        }

        var wrong = new List<WrongSetting>();
        if (ListenAddress.Read(configuration, wrong) is { } address)
        {
            values["urls"] = address;
        }

        problems.AddRange(wrong.Select(setting => $"{setting.Name} is {Shown(setting.Value)}; it {setting.Rule}."));

        ListenForOperations(configuration, values);

        configuration.AddInMemoryCollection(values);
        return problems;
    }

    /// <summary>A value as a message shows it: short, and without a key that was put into the wrong variable.</summary>
    public static string Shown(string value)
    {
        string text = KeyRedactor.Redact(value);
        return text.Length > 40 ? text[..40] + "…" : text;
    }

    // The port for metrics and health, beside what the host listens on anyway; a value that is none is left to the
    // options' check.
    private static void ListenForOperations(IConfiguration configuration, Dictionary<string, string?> values)
    {
        if (!ushort.TryParse(
            configuration["Coach:Observability:Port"], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            || port == 0)
        {
            return;
        }

        string url = ListenAddress.Of(configuration["HOST"], port.ToString(CultureInfo.InvariantCulture), []);
        string? urls = values.GetValueOrDefault("urls") ?? configuration["urls"];
        if (configuration.GetSection("Kestrel:Endpoints").GetChildren().Any())
        {
            values["Kestrel:Endpoints:CoachOperations:Url"] = url;
        }
        else if (!string.IsNullOrWhiteSpace(urls))
        {
            bool isThere = urls.Split(';').Any(
                each => each.TrimEnd('/').EndsWith($":{port}", StringComparison.Ordinal));
            values["urls"] = isThere ? urls : $"{urls};{url}";
        }
        else
        {
            string number = port.ToString(CultureInfo.InvariantCulture);
            string[] ports = (configuration["http_ports"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries);
            values["http_ports"] = string.Join(';', ports.Append(number).Distinct());
        }
    }
}

/// <summary>
/// Carries what is wrong with the environment variables to the start-up checks, so that it is reported with all the
/// rest.
/// </summary>
internal sealed class EnvironmentCheck
{
    public IReadOnlyList<string> Problems { get; set; } = [];

    internal sealed class Validator : IValidateOptions<EnvironmentCheck>
    {
        public ValidateOptionsResult Validate(string? name, EnvironmentCheck options) =>
            options.Problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(options.Problems);
    }
}
