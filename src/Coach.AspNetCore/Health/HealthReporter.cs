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
    private readonly Lock _gate = new();
    private Task<HealthReport>? _running;
    private HealthReport? _last;
    private long _lastAt;
    private int _version;

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
        lifetime?.ApplicationStarted.Register(Drop);
        lifetime?.ApplicationStopping.Register(Drop);
    }

    /// <summary>How old the report is.</summary>
    public TimeSpan Age(HealthReport report) =>
        ReferenceEquals(report, _last) ? _time.GetElapsedTime(_lastAt) : TimeSpan.Zero;

    public async Task<HealthReport> GetAsync(CancellationToken cancellationToken)
    {
        Task<HealthReport> running;
        lock (_gate)
        {
            if (_last is not null && _time.GetElapsedTime(_lastAt) < MaxAge)
            {
                return _last;
            }

            running = _running ??= Task.Run(MakeAsync, CancellationToken.None);
        }

        try
        {
            return await running.WaitAsync(_limit, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            var late = new HealthReportEntry(
                HealthStatus.Unhealthy, "the health checks did not finish in time", _limit, null, null);
            return new HealthReport(
                new Dictionary<string, HealthReportEntry> { ["health"] = late }, HealthStatus.Unhealthy, _limit);
        }
    }

    private void Drop()
    {
        lock (_gate)
        {
            _last = null;
            _version++;
        }
    }

    private async Task<HealthReport> MakeAsync()
    {
        int version = Volatile.Read(ref _version);
        HealthReport? report = null;
        try
        {
            report = await _checks.CheckHealthAsync(
                registration => !registration.Tags.Contains("live"), CancellationToken.None)
                .ConfigureAwait(false);
            await _publisher.PublishAsync(report, CancellationToken.None).ConfigureAwait(false);
            return report;
        }
        finally
        {
            lock (_gate)
            {
                _running = null;
                if (version == _version && report is not null)
                {
                    _last = report;
                    _lastAt = _time.GetTimestamp();
                }
            }
        }
    }
}
