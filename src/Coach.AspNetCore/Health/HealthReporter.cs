using Coach.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Health;

/// <summary>
/// The readiness report for all probes: made once at a time and reused for a second, so that probes cannot be used for
/// load.
/// </summary>
internal sealed class HealthReporter
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly HealthCheckService _checks;
    private readonly HealthStatusPublisher _publisher;
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly CachedProbe<HealthReport> _probe;

    public HealthReporter(
        HealthCheckService checks,
        HealthStatusPublisher publisher,
        IOptions<CoachObservabilityOptions> options,
        TimeProvider time,
        IHostApplicationLifetime? lifetime = null)
    {
        _checks = checks;
        _publisher = publisher;
        _time = time;
        _limit = options.Value.HealthTimeout * 2;

        // On a thread of its own: what the checks do must not depend on the request that happened to come first.
        _probe = new CachedProbe<HealthReport>(() => Task.Run(MakeAsync), _ => MaxAge, time);
        lifetime?.ApplicationStarted.Register(_probe.Forget);
        lifetime?.ApplicationStopping.Register(_probe.Forget);
    }

    /// <summary>How old the report is.</summary>
    public TimeSpan Age(HealthReport report) =>
        _probe.TryGetLast(out HealthReport? last, out TimeSpan age) && ReferenceEquals(report, last)
            ? age
            : TimeSpan.Zero;

    public async Task<HealthReport> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _probe.GetAsync(cancellationToken)
                .WaitAsync(_limit, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            var late = new HealthReportEntry(
                HealthStatus.Unhealthy, "the health checks did not finish in time", _limit, null, null);
            return new HealthReport(
                new Dictionary<string, HealthReportEntry> { ["health"] = late }, HealthStatus.Unhealthy, _limit);
        }
    }

    private async Task<HealthReport> MakeAsync()
    {
        HealthReport report = await _checks.CheckHealthAsync(
            registration => !registration.Tags.Contains("live"), CancellationToken.None)
            .ConfigureAwait(false);
        await _publisher.PublishAsync(report, CancellationToken.None).ConfigureAwait(false);
        return report;
    }
}
