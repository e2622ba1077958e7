using Coach.Llm.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Coach.Llm.Settings;

/// <summary>
/// Follows a configuration that is reloaded: what decides about the next call takes effect with it, what the host is
/// built of says that it needs a restart. A wrong setting changes nothing.
/// </summary>
internal sealed class LiveSettings : IDisposable
{
    private const string Section = "Coach:Llm";
    private const string VariablePrefix = "$";

    private static readonly string[] Variables = ["TEMPERATURE", "MAX_OUTPUT_TOKENS", "GEMINI_MODEL_VERSION"];

    // Models, sampling, time limits and sizes: each is read once a call.
    private static readonly HashSet<string> Live = new(StringComparer.OrdinalIgnoreCase)
    {
        "Temperature", "MaxOutputTokens", "Gemini:Model", "OpenAI:Model", "Anthropic:Model", "OpenRouter:Model",
        "OpenAICompatible:Model", "Requests:AttemptTimeout", "Requests:TotalTimeout", "Requests:FirstTokenTimeout",
        "Requests:ReasoningTimeout", "Requests:StreamTimeout", "Requests:IdleTimeout", "Requests:MaxResponseBytes",
        "Requests:MaxEventBytes", "Requests:MaxMediaBytes", "Telemetry:CaptureMessageContent",
        "Telemetry:MaxContentLength",
    };

    private readonly CoachLlmOptions _options;
    private readonly IOptionsFactory<CoachLlmOptions> _factory;
    private readonly IConfiguration? _configuration;
    private readonly ILogger _logger;
    private readonly IDisposable? _reload;
    private readonly Lock _gate = new();
    private Dictionary<string, string?> _known = [];

    public LiveSettings(
        IOptions<CoachLlmOptions> options, IOptionsFactory<CoachLlmOptions> factory,
        IConfiguration? configuration = null, ILoggerFactory? loggers = null)
    {
        (_options, _factory, _configuration) = (options.Value, factory, configuration);
        _logger = loggers?.CreateLogger("Coach.Llm") ?? NullLogger.Instance;
        if (configuration is not null)
        {
            _known = Read(configuration);
            _reload = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
        }
    }

    /// <summary>Told of the settings as they are now, after each change.</summary>
    public event Action<CoachLlmOptions>? Changed;

    public void Dispose() => _reload?.Dispose();

    private void Reload()
    {
        lock (_gate)
        {
            Dictionary<string, string?> now = Read(_configuration!);
            string[] changed =
            [
                .. now.Keys.Union(_known.Keys, StringComparer.OrdinalIgnoreCase)
                    .Where(name => now.GetValueOrDefault(name) != _known.GetValueOrDefault(name))
                    .Order(StringComparer.Ordinal),
            ];
            if (changed.Length == 0)
            {
                return;
            }

            string[] lasting = [.. changed.Where(name => !Live.Contains(name) && !IsVariable(name))];
            _known = now;
            try
            {
                Apply(_factory.Create(Options.DefaultName));
            }
            catch (OptionsValidationException exception)
            {
                _logger.ReloadRefused(KeyRedactor.Redact(exception.Message));
                return;
            }

            if (lasting.Length > 0)
            {
                _logger.RestartNeeded(string.Join(", ", lasting.Select(name => $"{Section}:{name}")));
            }
        }
    }

    private void Apply(CoachLlmOptions now)
    {
        (_options.Temperature, _options.MaxOutputTokens) = (now.Temperature, now.MaxOutputTokens);
        _options.Gemini.Model = now.Gemini.Model;
        _options.OpenAI.Model = now.OpenAI.Model;
        _options.Anthropic.Model = now.Anthropic.Model;
        _options.OpenRouter.Model = now.OpenRouter.Model;
        _options.OpenAICompatible.Model = now.OpenAICompatible.Model;
        LlmRequestOptions requests = _options.Requests;
        requests.AttemptTimeout = now.Requests.AttemptTimeout;
        requests.TotalTimeout = now.Requests.TotalTimeout;
        requests.FirstTokenTimeout = now.Requests.FirstTokenTimeout;
        requests.ReasoningTimeout = now.Requests.ReasoningTimeout;
        requests.StreamTimeout = now.Requests.StreamTimeout;
        requests.IdleTimeout = now.Requests.IdleTimeout;
        requests.MaxResponseBytes = now.Requests.MaxResponseBytes;
        requests.MaxEventBytes = now.Requests.MaxEventBytes;
        requests.MaxMediaBytes = now.Requests.MaxMediaBytes;
        _options.Telemetry.CaptureMessageContent = now.Telemetry.CaptureMessageContent;
        _options.Telemetry.MaxContentLength = now.Telemetry.MaxContentLength;
        Changed?.Invoke(_options);
    }

    private static bool IsVariable(string name) => name.StartsWith(VariablePrefix, StringComparison.Ordinal);

    private static Dictionary<string, string?> Read(IConfiguration configuration)
    {
        var values = configuration.GetSection(Section).AsEnumerable(makePathsRelative: true)
            .Where(setting => setting.Value is not null)
            .ToDictionary(setting => setting.Key, setting => setting.Value, StringComparer.OrdinalIgnoreCase);
        foreach (string name in Variables)
        {
            values[VariablePrefix + name] = configuration[name];
        }

        return values;
    }
}
