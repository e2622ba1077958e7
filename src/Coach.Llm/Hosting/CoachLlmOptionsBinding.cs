using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Hosting;

/// <summary>
/// Reads <c>Coach:Llm</c> and the environment variables that older hosts use, where the host has a configuration.
/// </summary>
internal sealed class CoachLlmOptionsBinding(IServiceProvider services) : IConfigureOptions<CoachLlmOptions>
{
    public void Configure(CoachLlmOptions options)
    {
        if (services.GetService<IConfiguration>() is not { } configuration)
        {
            return;
        }

        // First the variables, then the section: the more specific name wins.
        if (Text(configuration, "GEMINI_MODEL_VERSION") is { } model)
        {
            options.Gemini.Model = model;
        }

        if (Text(configuration, "TEMPERATURE") is { } temperature)
        {
            options.Temperature = float.TryParse(
                temperature, NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
                ? value
                : Problem<float?>(options, $"TEMPERATURE is {temperature}; it must be a number between 0 and 2.", null);
        }

        options.MaxOutputTokens = Whole(configuration, options, "MAX_OUTPUT_TOKENS", options.MaxOutputTokens);
        options.Sessions.MaxSessions = Whole(configuration, options, "MAYA_MAX_SESSIONS", options.Sessions.MaxSessions);
        if (Text(configuration, "LITELLM_API_BASE") is { } address)
        {
            options.OpenAICompatible.BaseUrl = Uri.TryCreate(address, UriKind.Absolute, out Uri? url)
                ? url
                : Problem<Uri?>(
                    options, "LITELLM_API_BASE is not an absolute URL; it must start with https:// or http://.", null);
        }

        // A list, since other conventions are chosen by it, too.
        options.Telemetry.LatestNames |= Text(configuration, "OTEL_SEMCONV_STABILITY_OPT_IN")?
            .Split(',', StringSplitOptions.TrimEntries)
            .Contains("gen_ai_latest_experimental", StringComparer.OrdinalIgnoreCase) == true;
        if (Text(configuration, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT") is { } capture)
        {
            options.Telemetry.CaptureMessageContent = capture.Equals("true", StringComparison.OrdinalIgnoreCase);
        }

        // Not "?.Bind": the binder's generator does not see that call, and a trimmed host would bind by reflection.
        if (OptionsSection.Find(services, "Coach:Llm") is { } section)
        {
            section.Bind(options);
        }
    }

    private static string? Text(IConfiguration configuration, string name) =>
        configuration[name] is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    private static int Whole(IConfiguration configuration, CoachLlmOptions options, string name, int fallback)
    {
        if (Text(configuration, name) is not { } text)
        {
            return fallback;
        }

        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value)
            ? value
            : Problem(options, $"{name} is {text}; it must be a whole number.", fallback);
    }

    private static T Problem<T>(CoachLlmOptions options, string problem, T fallback)
    {
        options.BindingProblems.Add(problem);
        return fallback;
    }
}
