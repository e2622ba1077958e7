using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Telemetry;

/// <summary>The histograms and counters of calls, by one generation of the GenAI conventions.</summary>
internal abstract class CallInstruments
{
    protected static readonly InstrumentAdvice<double> Seconds =
        new() { HistogramBucketBoundaries = GenAINames.DurationBuckets };

    protected static readonly InstrumentAdvice<long> TokenCounts =
        new() { HistogramBucketBoundaries = GenAINames.TokenBuckets };

    public abstract bool TimesChunks { get; }

    public abstract void FirstChunk(in TagList tags, TimeSpan time);

    public abstract void NextChunk(in TagList tags, TimeSpan time);

    public abstract void Duration(string operation, in TagList tags, TimeSpan time);

    public abstract void Tokens(string operation, in TagList tags, UsageDetails? usage);
}

/// <summary>One histogram of all tokens, told apart by their type.</summary>
internal sealed class TypedCallInstruments(Meter meter) : CallInstruments
{
    private readonly Histogram<double> _firstChunk = meter.CreateHistogram(
        GenAINames.TimeToFirstChunk, "s", "Time until a stream's first update.", null, Seconds);

    private readonly Histogram<double> _perChunk = meter.CreateHistogram(
        GenAINames.TimePerOutputChunk, "s", "Time between a stream's updates.", null, Seconds);

    private readonly Histogram<long> _tokens =
        meter.CreateHistogram(GenAINames.TokenUsage, "{token}", "Tokens of a call, by type.", null, TokenCounts);

    private readonly Histogram<double> _duration = meter.CreateHistogram(
        GenAINames.OperationDuration, "s", "Time of a call, with its retries.", null, Seconds);

    public override bool TimesChunks => _perChunk.Enabled;

    public override void FirstChunk(in TagList tags, TimeSpan time) => _firstChunk.Record(time.TotalSeconds, tags);

    public override void NextChunk(in TagList tags, TimeSpan time) => _perChunk.Record(time.TotalSeconds, tags);

    public override void Duration(string operation, in TagList tags, TimeSpan time) =>
        _duration.Record(time.TotalSeconds, tags);

    public override void Tokens(string operation, in TagList tags, UsageDetails? usage)
    {
        Record(usage?.InputTokenCount, GenAINames.Input, tags);
        Record(usage?.OutputTokenCount, GenAINames.Output, tags);
    }

    private void Record(long? count, string type, TagList tags)
    {
        if (count is { } known)
        {
            tags.Add(GenAINames.TokenType, type);
            _tokens.Record(known, tags);
        }
    }
}

/// <summary>
/// Instruments of their own for inference and embeddings; counters for what is paid, histograms for how large one call
/// is (open-telemetry/semantic-conventions-genai, client-inference.md and client-embeddings.md, November 2026).
/// </summary>
internal sealed class LatestCallInstruments(Meter meter) : CallInstruments
{
    private readonly Histogram<double> _firstChunk = meter.CreateHistogram(
        GenAINames.InferenceTimeToFirstChunk, "s", "Time until a stream's first update.", null, Seconds);

    private readonly Histogram<double> _perChunk = meter.CreateHistogram(
        GenAINames.InferenceTimePerOutputChunk, "s", "Time between a stream's updates.", null, Seconds);

    private readonly Histogram<double> _inference = meter.CreateHistogram(
        GenAINames.InferenceDuration, "s", "Time of an inference, with its retries.", null, Seconds);

    private readonly Histogram<double> _embeddings = meter.CreateHistogram(
        GenAINames.EmbeddingsDuration, "s", "Time of an embedding call, with its retries.", null, Seconds);

    private readonly Histogram<long> _input = meter.CreateHistogram(
        GenAINames.InferenceInputTokens, "{token}", "Input tokens of an inference.", null, TokenCounts);

    private readonly Histogram<long> _output = meter.CreateHistogram(
        GenAINames.InferenceOutputTokens, "{token}", "Output tokens of an inference.", null, TokenCounts);

    private readonly Histogram<long> _embedded = meter.CreateHistogram(
        GenAINames.EmbeddingsInputTokens, "{token}", "Input tokens of an embedding call.", null, TokenCounts);

    private readonly Counter<long> _inputTotal =
        meter.CreateCounter<long>(GenAINames.InferenceUsageInput, "{token}", "Input tokens of inferences.");

    private readonly Counter<long> _outputTotal =
        meter.CreateCounter<long>(GenAINames.InferenceUsageOutput, "{token}", "Output tokens of inferences.");

    public override bool TimesChunks => _perChunk.Enabled;

    public override void FirstChunk(in TagList tags, TimeSpan time) => _firstChunk.Record(time.TotalSeconds, tags);

    public override void NextChunk(in TagList tags, TimeSpan time) => _perChunk.Record(time.TotalSeconds, tags);

    public override void Duration(string operation, in TagList tags, TimeSpan time) =>
        (operation == GenAINames.Embeddings ? _embeddings : _inference).Record(time.TotalSeconds, tags);

    public override void Tokens(string operation, in TagList tags, UsageDetails? usage)
    {
        if (operation == GenAINames.Embeddings)
        {
            Record(usage?.InputTokenCount, _embedded, null, tags);
            return;
        }

        Record(usage?.InputTokenCount, _input, _inputTotal, tags);
        Record(usage?.OutputTokenCount, _output, _outputTotal, tags);
    }

    private static void Record(long? count, Histogram<long> perCall, Counter<long>? total, TagList tags)
    {
        if (count is { } known)
        {
            perCall.Record(known, tags);
            tags.Add(GenAINames.TokenModality, "unknown"); // providers do not say it of all tokens
            total?.Add(known, tags);
        }
    }
}
