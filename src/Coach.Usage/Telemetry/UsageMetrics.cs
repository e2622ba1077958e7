using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Coach.Usage.Telemetry;

/// <summary>
/// The meter <c>Coach.Usage</c>. Labels come from closed sets: providers and models of the price table, kinds of
/// tokens, names of limits.
/// </summary>
internal sealed class UsageMetrics : IDisposable
{
    public const string MeterName = "Coach.Usage";

    private readonly MeterSource _source;
    private readonly TimeProvider _time;
    private readonly Counter<long> _cost;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _calls;
    private readonly Counter<long> _rejections;
    private readonly ConcurrentDictionary<string, (double Ratio, DateTimeOffset? ResetsAt)> _used =
        new(StringComparer.Ordinal);
    private Func<long?>? _balance;

    public UsageMetrics(IMeterFactory? factory, TimeProvider time)
    {
        _time = time;
        _source = new MeterSource(MeterName, factory);
        Meter meter = _source.Meter;
        _cost = meter.CreateCounter<long>("coach.usage.cost_micro", null,
            "What calls cost, in micro-units of the price table's currency, by provider and model.");
        _tokens = meter.CreateCounter<long>("coach.usage.tokens", null,
            "Tokens of calls by kind (input, cached_input, cache_write, output, reasoning, audio_input and so on) and provider.");
        _calls = meter.CreateCounter<long>("coach.usage.calls", "{call}",
            "Calls by outcome: completed, stopped, failed; estimated if the provider gave no counts; unpriced if the price is unknown.");
        _rejections = meter.CreateCounter<long>("coach.budget.rejections", "{call}",
            "Calls that a budget refused, by the limit's name; balance for one that was too low.");
        meter.CreateObservableGauge("coach.budget.used_ratio", Ratios, null,
            "The highest share of a limit that a caller has used or reserved in the period that runs, by the limit's name.");
        meter.CreateObservableGauge("coach.credits.balance_micro", Balance, null,
            "Sum of all credits that were bought and not spent, in micro-units.");
    }

    public void Recorded(UsageRecord record, string model, long costMicros, bool isPriced)
    {
        if (isPriced)
        {
            _cost.Add(costMicros, new("provider", record.Provider), new("model", model));
        }

        UsageCounts counts = record.Counts;
        Tokens(record.Provider, "input", counts.Input);
        Tokens(record.Provider, "cached_input", counts.CachedInput);
        Tokens(record.Provider, "cache_write", counts.CacheWrite);
        Tokens(record.Provider, "output", counts.Output);
        Tokens(record.Provider, "reasoning", counts.Reasoning);
        Tokens(record.Provider, "audio_input", counts.AudioInput);
        Tokens(record.Provider, "audio_output", counts.AudioOutput);
        Tokens(record.Provider, "embedding", counts.Embedding);
        string outcome = record.Outcome switch
        {
            UsageOutcome.Completed => "completed",
            UsageOutcome.Stopped => "stopped",
            UsageOutcome.Failed => "failed",
            _ => "unknown",
        };
        _calls.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
        if (record.IsEstimated)
        {
            _calls.Add(1, new KeyValuePair<string, object?>("outcome", "estimated"));
        }

        if (!isPriced)
        {
            _calls.Add(1, new KeyValuePair<string, object?>("outcome", "unpriced"));
        }
    }

    public void Rejected(string limit) => _rejections.Add(1, new KeyValuePair<string, object?>("limit", limit));

    /// <summary>Keeps the highest share of the period that runs.</summary>
    public void Used(string limit, double ratio, DateTimeOffset? resetsAt) => _used.AddOrUpdate(
        limit, (ratio, resetsAt),
        (_, before) => before.ResetsAt == resetsAt && before.Ratio > ratio ? before : (ratio, resetsAt));

    /// <summary>Where the gauge reads the sum of credits.</summary>
    public void WatchBalance(Func<long?> read) => _balance = read;

    public void Dispose() => _source.Dispose();

    private void Tokens(string provider, string kind, long count)
    {
        if (count > 0)
        {
            _tokens.Add(count, new("kind", kind), new("provider", provider));
        }
    }

    private IEnumerable<Measurement<double>> Ratios()
    {
        DateTimeOffset now = _time.GetUtcNow();
        foreach ((string limit, (double ratio, DateTimeOffset? resetsAt)) in _used)
        {
            yield return new Measurement<double>(
                resetsAt <= now ? 0 : ratio, new TagList([new KeyValuePair<string, object?>("limit", limit)]));
        }
    }

    private IEnumerable<Measurement<long>> Balance()
    {
        if (_balance?.Invoke() is { } micros)
        {
            yield return new Measurement<long>(micros);
        }
    }
}
