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
    private readonly ConcurrentDictionary<object, PaymentRecordCounts> _counts =
        new(ReferenceEqualityComparer.Instance);
    private readonly Counter<long> _facts;
    private readonly Counter<long> _deliveries;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<Func<bool>> _gateways = new();

    public PaymentMetrics(IMeterFactory? factory = null, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _source = new MeterSource(MeterName, factory);
        Meter meter = _source.Meter;
        _links = meter.CreateCounter<long>("coach.payments.links", "{link}",
            "Calls for a payment link by outcome: created, replayed, simulated or failed.");
        _attempts = meter.CreateCounter<long>("coach.payments.attempts", "{attempt}",
            "Attempts at the payment provider by step and outcome.");
        _webhooks = meter.CreateCounter<long>("coach.payments.webhooks", "{event}",
            "Webhook calls by outcome: applied, duplicate, ignored, unmatched, other_mode or refused.");
        _facts = meter.CreateCounter<long>("coach.payments.facts", "{fact}",
            "Payment facts by outcome: paid, overpaid, partly_refunded, disputed, unmatched and so on.");
        _deliveries = meter.CreateCounter<long>("coach.payments.deliveries", "{delivery}",
            "Deliveries of payment facts to the host by outcome: confirmed, failed or dead.");
        meter.CreateObservableGauge("coach.payments.facts_pending", () => _counts.Values.Sum(c => c.PendingFacts), null,
            "Links with a payment fact that the host has not confirmed.");
        meter.CreateObservableGauge("coach.payments.facts_dead", () => _counts.Values.Sum(c => c.DeadFacts), null,
            "Links with a payment fact that was given up and waits for a replay.");
        meter.CreateObservableGauge("coach.payments.oldest_fact_age", OldestAge, "s",
            "Age of the oldest payment fact that the host has not confirmed; 0 when there is none.");
        meter.CreateObservableGauge("coach.payments.links_open", () => _counts.Values.Sum(c => c.Open), null,
            "Payment links that can still be paid.");
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

    /// <summary>Counts the facts that one change of a record added.</summary>
    public void Told(PaymentRecord? after, PaymentRecord? before)
    {
        if (after is null || ReferenceEquals(after.Facts, before?.Facts))
        {
            return;
        }

        int known = before?.Facts.Count ?? 0;
        for (int i = Math.Min(known, after.Facts.Count); i < after.Facts.Count; i++)
        {
            _facts.Add(1, new KeyValuePair<string, object?>("outcome", NameOf(after.Facts[i])));
        }
    }

    // Card networks count chargebacks alone, and so does the alert on their rate.
    private static string NameOf(PaymentFactEntry fact) => fact switch
    {
        { IsInquiry: true, Kind: PaymentFactKind.Disputed } => "inquiry",
        { IsInquiry: true } => "inquiry_closed",
        _ => NameOf(fact.Kind),
    };

    public void Delivered(string outcome) =>
        _deliveries.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void SetCounts(object owner, PaymentRecordCounts counts) => _counts[owner] = counts;

    /// <summary>A name as labels have it: <c>other_mode</c>.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => Snake(value.ToString());

    public void SetPending(object owner, int count) => _pending[owner] = count;

    /// <summary>A failure kind as labels have it: <c>timed_out</c>.</summary>
    public static string NameOf(GatewayFailureKind kind) =>
        (int)kind >= 0 && (int)kind < KindNames.Length ? KindNames[(int)kind] : "unknown";

    public void Dispose() => _source.Dispose();

    private static string Snake(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    private double OldestAge()
    {
        DateTimeOffset? oldest = _counts.Values.Min(static counts => counts.OldestPendingAt);
        return oldest is { } at ? Math.Max(0, (_time.GetUtcNow() - at).TotalSeconds) : 0;
    }

    private int IsAvailable() => !_gateways.IsEmpty && _gateways.All(static isAvailable => isAvailable()) ? 1 : 0;
}
