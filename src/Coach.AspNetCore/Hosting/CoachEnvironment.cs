using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Coach.AspNetCore;

/// <summary>
/// Gives the documented environment variables the configuration keys they stand for. A configuration key that is set by itself
/// wins; a variable that holds nonsense is passed on, so that the options' own check names it.
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
        ("LOG_LEVEL", "Logging:LogLevel:Default"),
    ];

    public static void Apply(IConfigurationManager configuration)
    {
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
            values["Logging:LogLevel:Default"] = "Debug";
        }

        if (string.IsNullOrWhiteSpace(configuration["urls"]) && string.IsNullOrWhiteSpace(configuration["http_ports"])
            && !configuration.GetSection("Kestrel:Endpoints").GetChildren().Any())
        {
            values["urls"] = Url(configuration["HOST"], configuration["PORT"]);
        }

        configuration.AddInMemoryCollection(values);
    }

    private static string Url(string? host, string? port)
    {
        string name = string.IsNullOrWhiteSpace(host) ? "127.0.0.1" : host.Trim();
        string number = string.IsNullOrWhiteSpace(port) ? "8080" : port.Trim();
        if (!ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            throw new InvalidOperationException($"PORT is {number}; it must be between 0 and 65535.");
        }

        return $"http://{(name.Contains(':', StringComparison.Ordinal) && !name.StartsWith('[') ? $"[{name}]" : name)}:{number}";
    }
}
