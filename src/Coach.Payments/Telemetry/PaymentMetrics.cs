using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Telemetry;

/// <summary>The meter <c>Coach.Payments</c>. Labels come from closed sets: steps, failure kinds and outcomes named
/// here.</summary>
internal sealed class PaymentMetrics : IDisposable
{
    public const string MeterName = "Coach.Payments";

    private static readonly string[] KindNames = [.. Enum.GetNames<GatewayFailureKind>().Select(Snake)];

    private readonly MeterSource _source;
    private readonly Counter<long> _links;
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _webhooks;
    // By owner: several registrations share one meter, and the gauges sum them up.
    private readonly ConcurrentDictionary<object, int> _pending = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentQueue<Func<bool>> _gateways = new();

    public PaymentMetrics(IMeterFactory? factory = null)
    {
        _source = new MeterSource(MeterName, factory);
        Meter meter = _source.Meter;
        _links = meter.CreateCounter<long>("coach.payments.links", "{link}",
            "Calls for a payment link by outcome: created, replayed, simulated or failed.");
        _attempts = meter.CreateCounter<long>("coach.payments.attempts", "{attempt}",
            "Attempts at the payment provider by step and outcome.");
        _webhooks = meter.CreateCounter<long>("coach.payments.webhooks", "{event}",
            "Webhook calls by outcome: applied, duplicate, ignored, unmatched or refused.");
        meter.CreateObservableGauge("coach.payments.gateway_available", IsAvailable, null,
            "1 while the payment provider (each, where there are several) is believed to answer; 0 otherwise");
        meter.CreateObservableGauge("coach.payments.reconciliation_pending", () => _pending.Values.Sum(), null,
            "Payment links whose outcome is unknown and waits for reconciliation.");
    }

    /// <summary>Lets the gauge ask one more gateway's availability.</summary>
    public void Watch(Func<bool> isAvailable) => _gateways.Enqueue(isAvailable);

    public void Link(string outcome) => _links.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Webhook(string outcome) => _webhooks.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Attempt(string step, GatewayFailure? failure) => _attempts.Add(1,
        new KeyValuePair<string, object?>("step", step),
        new KeyValuePair<string, object?>("outcome", failure is null ? "success" : NameOf(failure.Kind)));

    public void SetPending(object owner, int count) => _pending[owner] = count;

    /// <summary>A failure kind as labels have it: <c>timed_out</c>.</summary>
    public static string NameOf(GatewayFailureKind kind) =>
        (int)kind >= 0 && (int)kind < KindNames.Length ? KindNames[(int)kind] : "unknown";

    public void Dispose() => _source.Dispose();

    private static string Snake(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    private int IsAvailable() => !_gateways.IsEmpty && _gateways.All(static isAvailable => isAvailable()) ? 1 : 0;
}
