using Coach.Llm.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Providers;

/// <summary>
/// Remembers for a day which parameters a model at an address refuses, so that each is refused once and not at every
/// call. What is given up is said: in the log once, on the response each time.
/// </summary>
internal sealed class RefusedParameters(TimeProvider time, ILoggerFactory? loggers = null)
{
    private const int Capacity = 1000;

    private readonly ILogger _logger = loggers?.CreateLogger("Coach.Llm") ?? NullLogger.Instance;
    private readonly ExpiringCache<(string Provider, string Address, string Model), RequestParameters> _known =
        new(Capacity, time) { Lifetime = TimeSpan.FromDays(1) };

    public RequestParameters Of(ChatProtocol protocol, string model) =>
        _known.TryGet(Key(protocol, model), out RequestParameters refused) ? refused : RequestParameters.None;

    /// <summary>Takes in a refusal.</summary>
    /// <returns>The call without what was refused; null where the refusal is about nothing that can be given
    /// up.</returns>
    public ChatCall? Learn(ChatProtocol protocol, ChatCall call, LlmException refusal)
    {
        RequestParameters named = refusal.RefusedParameters & protocol.Carried(call);
        if (named == RequestParameters.None)
        {
            return null;
        }

        RequestParameters added = protocol.GiveUp(named, call.Without);
        if ((added & ~call.Without) == RequestParameters.None)
        {
            return null;
        }

        RequestParameters known = Of(protocol, call.Model);
        _known.Set(Key(protocol, call.Model), known | call.Without | added);
        if ((added & ~known) != RequestParameters.None && _logger.IsEnabled(LogLevel.Warning))
        {
            string names = string.Join(", ", ParameterRefusal.Labels(added));
            _logger.ParametersRefused(
                protocol.Provider, ModelName.Shown(call.Model), names.Length == 0 ? "the form of a setting" : names);
        }

        return call with { Without = call.Without | added };
    }

    /// <summary>What the caller asked for and the request did not carry; null if nothing.</summary>
    public static string? Dropped(ChatProtocol protocol, ChatCall call)
    {
        if (call.Without == RequestParameters.None)
        {
            return null;
        }

        RequestParameters asked = protocol.Carried(call with { Without = RequestParameters.None });
        string names = string.Join(',', ParameterRefusal.Labels(call.Without & asked));
        return names.Length == 0 ? null : names;
    }

    private static (string Provider, string Address, string Model) Key(ChatProtocol protocol, string model) =>
        (protocol.Provider, protocol.BaseAddress.AbsoluteUri, model);
}
