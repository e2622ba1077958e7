using System.Diagnostics.Metrics;
using System.Globalization;
using Coach.Llm.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Sessions;

/// <summary>The instruments of sessions and their keys.</summary>
internal sealed class SessionMetrics
{
    public const string Idle = "idle";
    public const string Absolute = "absolute";

    private readonly Counter<long> _evictions;

    public SessionMetrics(
        MeterSource meter, IServiceProvider services, IOptions<CoachHostOptions> host)
    {
        _evictions = meter.Meter.CreateCounter<long>(
            "coach.llm.session_evictions", "{session}",
            "Sessions whose clients were taken out, by reason: idle, absolute, sessions, memory.");
        meter.Meter.CreateObservableGauge("coach.llm.sessions_active",
            () =>
                Count(services, static (ISessionClientRegistry registry) => registry.SessionCount), "{session}",
                "Sessions that hold at least one client.");
        meter.Meter.CreateObservableGauge("coach.llm.sessions_limit",
            () =>
                Count(services, static (AdmissionControl admission) => admission.Maximum), "{session}",
                "The most sessions that may hold clients at once.");
        meter.Meter.CreateObservableCounter("coach.llm.sessions_created",
            () =>
                Count(services, static (AdmissionControl admission) => admission.Admitted), "{session}",
                "Sessions that got their first client.");
        meter.Meter.CreateObservableGauge("coach.byok.enabled",
            () =>
                host.Value.Mode == HostMode.Mock ? 0 : 1, description: "1 if people may bring their own keys, else 0.");
        meter.Meter.CreateObservableGauge("coach.byok.user_count",
            () =>
                Count(services, static (ISessionKeyStore keys) => keys.SessionCount), "{user}",
                "Sessions that hold a key, as far as this process knows.");
    }

    public void Evicted(string reason) => _evictions.Add(1, new KeyValuePair<string, object?>("reason", reason));

    // Collectors may still ask while the host ends, when its container has no services any more.
    private static TNumber Count<TService, TNumber>(IServiceProvider services, Func<TService, TNumber> count)
        where TService : class
        where TNumber : struct
    {
        try
        {
            return services.GetService<TService>() is { } service ? count(service) : default;
        }
        catch (ObjectDisposedException)
        {
            return default;
        }
    }
}

/// <summary>
/// Says whether new sessions still get in: <c>llm_sessions</c>. Live sessions go on either way, so it is never
/// unhealthy.
/// </summary>
internal sealed class SessionHealth(SessionClientRegistry registry) : IComponentHealth
{
    public string Name => "llm_sessions";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        string count = registry.SessionCount.ToString(CultureInfo.InvariantCulture);
        string? reason = (registry.IsMemoryShort, registry.IsFull) switch
        {
            (true, _) => "memory is short, so new ones wait.",
            (_, true) => "all places are taken.",
            _ => null,
        };
        return ValueTask.FromResult(reason is null
            ? new ComponentReport(ComponentState.Healthy, $"{count} sessions.")
            : new ComponentReport(ComponentState.Degraded, $"{count} sessions; {reason}"));
    }
}
