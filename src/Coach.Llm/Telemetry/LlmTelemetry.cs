using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Coach.Llm.Core;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Telemetry;

/// <summary>
/// The spans and instruments of calls to providers. Messages and answers are recorded only where the host asks for it.
/// </summary>
internal sealed class LlmTelemetry
{
    private const int MaxModels = 100;

    private readonly CallInstruments _calls;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _dropped;
    private readonly ConcurrentDictionary<string, string> _models = new(StringComparer.Ordinal);

    public LlmTelemetry(MeterSource meter, LlmTelemetryOptions settings)
    {
        _calls = settings.LatestNames ? new LatestCallInstruments(meter.Meter) : new TypedCallInstruments(meter.Meter);
        CacheWriteName = settings.LatestNames ? GenAINames.UsageCacheWrite : GenAINames.UsageCacheCreation;
        _retries = meter.Meter.CreateCounter<long>(
            "coach.llm.retries", "{retry}", "Attempts that followed a failed one.");
        _dropped = meter.Meter.CreateCounter<long>(
            "coach.llm.dropped_parameters", "{request}", "Requests sent without a setting that the model refuses.");
    }

    /// <summary>The source of all spans of the package.</summary>
    public static ActivitySource Source { get; } = new(LlmMeter.Name);

    public bool TimesChunks => _calls.TimesChunks;

    /// <summary>The span's attribute of tokens that went into the provider's cache.</summary>
    public string CacheWriteName { get; }

    public void Retried(string provider, LlmError error) => _retries.Add(1,
        new KeyValuePair<string, object?>(
            "provider", provider), new KeyValuePair<string, object?>("reason", GenAINames.ErrorClass(error)));

    /// <summary>Counts what a response says was dropped.</summary>
    public void Dropped(string provider, AdditionalPropertiesDictionary? properties)
    {
        if (properties?.TryGetValue(ChatResponseProperties.DroppedParameters, out string? names) != true)
        {
            return;
        }

        foreach (string name in names!.Split(','))
        {
            _dropped.Add(1,
                new KeyValuePair<string, object?>("provider", provider),
                new KeyValuePair<string, object?>("parameter", name));
        }
    }

    public void FirstChunk(in TagList tags, TimeSpan time) => _calls.FirstChunk(in tags, time);

    public void NextChunk(in TagList tags, TimeSpan time) => _calls.NextChunk(in tags, time);

    public void Ended(string operation, TagList tags, TimeSpan time, UsageDetails? usage, string? error)
    {
        _calls.Tokens(operation, in tags, usage);
        if (error is not null)
        {
            tags.Add(GenAINames.ErrorType, error);
        }

        _calls.Duration(operation, in tags, time);
    }

    /// <summary>
    /// A model's name as a label: callers choose it, so both its form and the number of names are bounded.
    /// </summary>
    public string ModelLabel(string model)
    {
        if (_models.TryGetValue(model, out string? known))
        {
            return known;
        }

        return ModelName.IsPlain(model) && _models.Count < MaxModels
            ? _models.GetOrAdd(model, model)
            : GenAINames.Other;
    }
}
