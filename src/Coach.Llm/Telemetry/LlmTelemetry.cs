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

    private readonly Histogram<long> _tokens;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstChunk;
    private readonly Histogram<double> _perChunk;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _dropped;
    private readonly ConcurrentDictionary<string, string> _models = new(StringComparer.Ordinal);

    public LlmTelemetry(MeterSource meter)
    {
        var seconds = new InstrumentAdvice<double> { HistogramBucketBoundaries = GenAINames.DurationBuckets };
        _tokens = meter.Meter.CreateHistogram(GenAINames.TokenUsage, "{token}", "Tokens of a call, by type.", null,
            new InstrumentAdvice<long> { HistogramBucketBoundaries = GenAINames.TokenBuckets });
        _duration = meter.Meter.CreateHistogram(
            GenAINames.OperationDuration, "s", "Time of a call, with its retries.", null, seconds);
        _firstChunk = meter.Meter.CreateHistogram(
            GenAINames.TimeToFirstChunk, "s", "Time until a stream's first update.", null, seconds);
        _perChunk = meter.Meter.CreateHistogram(
            GenAINames.TimePerOutputChunk, "s", "Time between a stream's updates.", null, seconds);
        _retries = meter.Meter.CreateCounter<long>(
            "coach.llm.retries", "{retry}", "Attempts that followed a failed one.");
        _dropped = meter.Meter.CreateCounter<long>(
            "coach.llm.dropped_parameters", "{request}", "Requests sent without a setting that the model refuses.");
    }

    /// <summary>The source of all spans of the package.</summary>
    public static ActivitySource Source { get; } = new(LlmMeter.Name);

    public bool TimesChunks => _perChunk.Enabled;

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

    public void FirstChunk(in TagList tags, TimeSpan time) => _firstChunk.Record(time.TotalSeconds, tags);

    public void NextChunk(in TagList tags, TimeSpan time) => _perChunk.Record(time.TotalSeconds, tags);

    public void Ended(TagList tags, TimeSpan time, long? input, long? output, string? error)
    {
        if (input is { } read)
        {
            TagList typed = tags;
            typed.Add(GenAINames.TokenType, GenAINames.Input);
            _tokens.Record(read, typed);
        }

        if (output is { } written)
        {
            TagList typed = tags;
            typed.Add(GenAINames.TokenType, GenAINames.Output);
            _tokens.Record(written, typed);
        }

        if (error is not null)
        {
            tags.Add(GenAINames.ErrorType, error);
        }

        _duration.Record(time.TotalSeconds, tags);
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
