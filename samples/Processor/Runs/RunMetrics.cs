using System.Diagnostics.Metrics;

namespace Processor.Runs;

/// <summary>
/// The figures of runs. Labels come from closed sets: mode, and the codes of <see cref="RunErrors"/>.
/// </summary>
internal sealed class RunMetrics
{
    public const string MeterName = "Processor";

    private readonly Counter<long> _ended;
    private readonly Counter<long> _cost;
    private readonly Histogram<double> _duration;
    private volatile RunRegistry? _registry;

    public RunMetrics(IMeterFactory factory)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableGauge(
            "processor.runs.active", () => _registry?.Active ?? 0, "{run}", "Runs that wait or run.");
        _ended = meter.CreateCounter<long>("processor.runs", "{run}", "Runs that ended, by mode and code.");
        _cost = meter.CreateCounter<long>(
            "processor.cost_micro", description: "What real runs cost, in millionths of a dollar.");
        _duration = meter.CreateHistogram<double>("processor.run.duration", "s", "How long runs took.");
    }

    /// <summary>Whose runs are counted.</summary>
    public void Watch(RunRegistry registry) => _registry ??= registry;

    public void Ended(RunOutcome outcome)
    {
        var mode = new KeyValuePair<string, object?>("mode", outcome.Mode);
        _ended.Add(1, mode, new KeyValuePair<string, object?>("code", outcome.ErrorCode ?? "OK"));
        _duration.Record(outcome.Duration.TotalSeconds, mode);
        if (outcome.CostMicro > 0)
        {
            _cost.Add(outcome.CostMicro);
        }
    }
}
