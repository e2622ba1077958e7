using System.Diagnostics.Metrics;
using Coach.Llm.Core;

namespace Coach.Llm.Keys;

/// <summary>Counts key validations: <c>coach.llm.key_validations</c> by provider and status.</summary>
internal sealed class KeyMetrics(MeterSource meter)
{
    private readonly Counter<long> _validations = meter.Meter.CreateCounter<long>(
        "coach.llm.key_validations", "{validation}",
        "Key validations by provider and outcome; remembered outcomes are not counted again.");

    public void Validated(string provider, KeyStatus status) => _validations.Add(1,
        new KeyValuePair<string, object?>("provider", ProviderNames.LabelOf(provider)),
        new KeyValuePair<string, object?>("status", KeyStatuses.Label(status)));
}
