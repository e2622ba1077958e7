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
/// The siblings' counters are found by their names, as any collector finds them. Only labels of few values are listed.
/// </remarks>
internal sealed class CountersFromZero : IDisposable
{
    internal static readonly IReadOnlyList<(string Meter, string Counter, string Label, string[] Values)> Known =
    [
        ("Coach.Llm", "coach.llm.session_rejections", "reason", ["sessions", "memory"]),
        ("Coach.Llm", "coach.llm.session_evictions", "reason", ["idle", "absolute", "sessions", "memory"]),
        ("Coach.Rag", "coach.rag.retrievals", "tier", ["hybrid", "local", "lexical", "none"]),
        ("Coach.Payments", "coach.payments.links", "outcome", ["created", "replayed", "simulated", "failed"]),
        ("Coach.Payments", "coach.payments.webhooks", "outcome",
        [
            "applied", "duplicate", "ignored", "unmatched", "other_mode", "refused",
        ]),
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
        foreach ((string meter, string name, string label, string[] values) in Known)
        {
            if (counter.Name == name && counter.Meter.Name == meter)
            {
                Array.ForEach(values, value => counter.Add(0, new KeyValuePair<string, object?>(label, value)));
            }
        }
    }
}

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
