using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Coach.Payments;

/// <summary>The meter <c>Coach.Payments</c>. Labels come from closed sets: steps, failure kinds and outcomes named here.</summary>
internal sealed class PaymentMetrics : IDisposable
{
    public const string MeterName = "Coach.Payments";

    private static readonly string[] KindNames = [.. Enum.GetNames<GatewayFailureKind>().Select(Snake)];

    private readonly Meter _meter;
    private readonly Counter<long> _links;
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _webhooks;
    private readonly ConcurrentDictionary<object, int> _pending = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentQueue<Func<bool>> _gateways = new();

    public PaymentMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _links = _meter.CreateCounter<long>("coach.payments.links", "{link}",
            "Calls for a payment link by outcome: created, replayed, simulated or failed.");
        _attempts = _meter.CreateCounter<long>("coach.payments.attempts", "{attempt}",
            "Attempts at the payment provider by step and outcome.");
        _webhooks = _meter.CreateCounter<long>("coach.payments.webhooks", "{event}",
            "Webhook calls by outcome: applied, duplicate, ignored, unmatched or refused.");
        _meter.CreateObservableGauge("coach.payments.gateway_available", () => !_gateways.IsEmpty && _gateways.All(static isAvailable => isAvailable()) ? 1 : 0, null,
            "1 while the payment provider (every one, where there are several) is believed to answer, 0 otherwise and while nothing is known.");
        _meter.CreateObservableGauge("coach.payments.reconciliation_pending", () => _pending.Values.Sum(), null,
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

    public static string NameOf(GatewayFailureKind kind) => (int)kind >= 0 && (int)kind < KindNames.Length ? KindNames[(int)kind] : "unknown";

    public void Dispose() => _meter.Dispose();

    private static string Snake(string name) =>
        string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(c) : c.ToString()));
}
