using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using Coach.Llm.Core;
using Coach.Llm.Providers;
using Coach.Llm.Settings;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Keys;

/// <summary>
/// Compares the models that the host set with those that a key has: one that is missing or ends soon is said with the
/// key, once in the log, and in the gauge <c>coach.llm.model_retirement_days</c>. A model that a reload sets is
/// compared with what the latest key has; one that is set no more leaves the gauge.
/// </summary>
internal sealed class ModelWatch
{
    /// <summary>From when on the end of a model is said.</summary>
    public const int WarningDays = 30;

    private const int MaxNoted = 256;

    private readonly ConcurrentDictionary<(string Provider, string Model), DateOnly> _ends = new();
    private readonly ConcurrentDictionary<(string Provider, string Model, DateOnly? End), bool> _said = new();
    private readonly ConcurrentDictionary<string, (Provider Provider, ModelList List)> _latest =
        new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly ILogger<ModelWatch> _logger;

    public ModelWatch(MeterSource meter, LiveSettings live, TimeProvider time, ILogger<ModelWatch> logger)
    {
        (_time, _logger) = (time, logger);
        live.Changed += _ => Follow();
        meter.Meter.CreateObservableGauge(
            "coach.llm.model_retirement_days", Measure, "{day}",
            "Days until the provider ends a configured model, as far as a key's check told; below 0 it has ended.");
    }

    /// <summary>What is to be said of the configured models to whoever enters a key that has these models.</summary>
    public IReadOnlyList<string> Check(Provider provider, ModelList list)
    {
        _latest[provider.Name] = (provider, list);
        return [.. Compare(provider, list)];
    }

    private void Follow()
    {
        foreach ((Provider provider, ModelList list) in _latest.Values)
        {
            foreach ((string Provider, string Model) ended in _ends.Keys.Where(end => end.Provider == provider.Name))
            {
                if (!provider.ConfiguredModels.Contains(ended.Model))
                {
                    _ends.TryRemove(ended, out _);
                }
            }

            _ = Compare(provider, list).Count();
        }
    }

    private IEnumerable<string> Compare(Provider provider, ModelList list)
    {
        foreach (string model in provider.ConfiguredModels)
        {
            if (list.Models.FirstOrDefault(other => other.Id == model) is { } known)
            {
                if (Ending(provider, known) is { } limit)
                {
                    yield return limit;
                }
            }
            else if (list is { IsWhole: true, Models.Count: > 0 }
                && !list.Models.Any(other => IsVariantOf(other.Id, model)))
            {
                Say((provider.Name, model, null), () => _logger.ModelMissing(provider.Name, model));
                yield return $"This key does not have the model '{model}', which is set here. "
                    + $"Set Coach:Llm:{provider.Section}:Model to one that it has.";
            }
        }
    }

    private string? Ending(Provider provider, KeyModel model)
    {
        if (model.ShutdownDate is not { } end)
        {
            _ends.TryRemove((provider.Name, model.Id), out _);
            return null;
        }

        if (_ends.Count < MaxNoted)
        {
            _ends[(provider.Name, model.Id)] = end;
        }

        int days = DaysUntil(end);
        if (days > WarningDays)
        {
            return null;
        }

        Say((provider.Name, model.Id, end), () => _logger.ModelEnding(provider.Name, model.Id, end, days));
        string date = end.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string when = days switch
        {
            < 0 => $"ended on {date}",
            0 => $"ends today ({date})",
            1 => $"ends tomorrow ({date})",
            _ => string.Create(CultureInfo.InvariantCulture, $"ends on {date}, in {days} days"),
        };
        return $"The model '{model.Id}', which is set here, {when}. "
            + $"Set Coach:Llm:{provider.Section}:Model to another one.";
    }

    private void Say((string Provider, string Model, DateOnly? End) what, Action say)
    {
        if (_said.Count < MaxNoted && _said.TryAdd(what, true))
        {
            say();
        }
    }

    private int DaysUntil(DateOnly end) =>
        end.DayNumber - DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime).DayNumber;

    private IEnumerable<Measurement<int>> Measure() => _ends.Select(end => new Measurement<int>(
        DaysUntil(end.Value),
        new KeyValuePair<string, object?>("provider", ProviderNames.LabelOf(end.Key.Provider)),
        new KeyValuePair<string, object?>("model", end.Key.Model)));

    // A dated form of the same model, a tag (Ollama), or a pattern that stands for any (LiteLLM).
    private static bool IsVariantOf(string id, string model)
    {
        if (id.Contains('*', StringComparison.Ordinal))
        {
            return true;
        }

        return id.StartsWith(model, StringComparison.Ordinal)
            && id.Length > model.Length + 1
            && (id[model.Length] == ':' || (id[model.Length] is '-' or '@' && char.IsAsciiDigit(id[model.Length + 1])));
    }
}
