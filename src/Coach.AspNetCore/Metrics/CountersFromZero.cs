using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore.Metrics;

/// <summary>
/// Makes the contract's counters stand on the page from the start: a counter that first appears with its first event
/// shows no rise, and an alert on one would sleep through it (prometheus/docs: docs/practices/instrumentation.md,
/// "Avoid missing metrics").
/// </summary>
/// <remarks>
/// The siblings' counters are found by their names, as any collector finds them. Only values that an alert or a panel
/// asks for are listed.
/// </remarks>
internal sealed class CountersFromZero : IDisposable
{
    private static readonly string[] Providers = ["gemini", "openai", "anthropic", "openrouter", "openai-compatible"];

    internal static readonly IReadOnlyList<CounterFromZero> Known =
    [
        new("Coach.Llm", "coach.llm.session_rejections", new KnownLabel("reason", "sessions", "memory")),
        new(
            "Coach.Llm",
            "coach.llm.session_evictions",
            new KnownLabel("reason", "idle", "absolute", "sessions", "memory")),
        new(
            "Coach.Llm",
            "coach.llm.key_validations",
            new KnownLabel("provider", Providers),
            new KnownLabel("status", "valid", "invalid", "rate_limited", "unavailable", "timed_out")),
        new(
            "Coach.Llm",
            "coach.llm.retries",
            new KnownLabel("provider", Providers),
            new KnownLabel("reason", "unreachable", "unavailable", "rate_limited")),
        new("Coach.Usage", "coach.budget.rejections", new KnownLabel("limit", "balance")),
        new("Coach.Rag", "coach.rag.retrievals", new KnownLabel("tier", "hybrid", "local", "lexical", "none")),
        new("Coach.Rag", "coach.rag.found_nothing", new KnownLabel("tier", "hybrid", "local", "lexical")),
        new(
            "Coach.Rag",
            "coach.rag.fallbacks",
            new KnownLabel("from", "hybrid"),
            new KnownLabel("to", "local", "lexical"),
            new KnownLabel("reason", "circuit_open", "embedding_failed", "embedding_timed_out")),
        new(
            "Coach.Payments",
            "coach.payments.links",
            new KnownLabel("outcome", "created", "replayed", "simulated", "failed")),
        new(
            "Coach.Payments",
            "coach.payments.attempts",
            new KnownLabel("step", "price", "link"),
            new KnownLabel("outcome", "success", "timed_out", "connection_lost", "server_error")),
        new(
            "Coach.Payments",
            "coach.payments.webhooks",
            new KnownLabel("outcome", "applied", "duplicate", "ignored", "unmatched", "other_mode", "refused")),
        new(
            "Coach.Payments",
            "coach.payments.facts",
            new KnownLabel("outcome", "paid", "overpaid", "amount_mismatch", "disputed", "unmatched")),
        new(
            "Coach.Payments",
            "coach.payments.deliveries",
            new KnownLabel("outcome", "confirmed", "failed", "dead")),
    ];

    private readonly MeterListener _published;

    /// <summary>
    /// Adds 0 to the counters that exist and to those that are made later. To be created when the meter provider
    /// listens.
    /// </summary>
    public CountersFromZero(IMeterFactory own)
    {
        // A listener, not a reference: siblings meet through telemetry names only.
        _published = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                // Another host in this process counts for itself.
                if (instrument is Counter<long> counter
                    && (instrument.Meter.Scope is not IMeterFactory scope || ReferenceEquals(scope, own)))
                {
                    AddZero(counter);
                }
            },
        };
        _published.Start();
    }

    public void Dispose() => _published.Dispose();

    private static void AddZero(Counter<long> counter)
    {
        foreach (CounterFromZero known in Known)
        {
            if (counter.Name == known.Counter && counter.Meter.Name == known.Meter)
            {
                AddZero(counter, known.Labels, []);
            }
        }
    }

    private static void AddZero(
        Counter<long> counter, ReadOnlySpan<KnownLabel> labels, KeyValuePair<string, object?>[] chosen)
    {
        if (labels.IsEmpty)
        {
            counter.Add(0, chosen);
            return;
        }

        foreach (string value in labels[0].Values)
        {
            AddZero(counter, labels[1..], [.. chosen, new(labels[0].Name, value)]);
        }
    }
}

/// <summary>
/// A counter whose series stand at 0 from the start: each of its labels' values with each of the others'.
/// </summary>
internal sealed record CounterFromZero(string Meter, string Counter, params KnownLabel[] Labels);

/// <summary>A label, and those of its values that an alert or a panel asks for.</summary>
internal sealed record KnownLabel(string Name, params string[] Values);

/// <summary>Looks for the counters when the meter provider listens.</summary>
internal sealed class CountersFromZeroStart(IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = services.GetRequiredService<MeterProvider>();
        _ = services.GetRequiredService<CountersFromZero>();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
