using Coach.Abstractions;
using Coach.Observability.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Coach.Observability.Health;

/// <summary>A component's health as a health check that probes cannot use to create load.</summary>
internal sealed class ComponentHealthCheck : IHealthCheck
{
    private readonly IComponentHealth _component;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CachedProbe<HealthCheckResult> _probe;

    public ComponentHealthCheck(
        IComponentHealth component, CoachObservabilityOptions options, TimeProvider time, ILogger logger)
    {
        (_component, _time, _logger) = (component, time, logger);
        _limit = options.HealthTimeout;
        _probe = new CachedProbe<HealthCheckResult>(
            () => Task.Run(RunAsync, CancellationToken.None), _ => options.HealthMaxAge, time);
    }

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // A check that outlived its limit stays the one that runs: hanging checks must not pile up behind probes.
            return await _probe.GetAsync(CancellationToken.None).WaitAsync(_limit, _time, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return TimedOut();
        }
    }

    private async Task<HealthCheckResult> RunAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(_limit, _time);
            ComponentReport report = await _component.CheckAsync(limit.Token).ConfigureAwait(false);
            return new HealthCheckResult(Status(report.State), report.Description);
        }
        catch (OperationCanceledException)
        {
            return TimedOut();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A component promises not to throw; one that does must not cost the probe, and its text must not be shown.
            _logger.HealthCheckThrew(_component.Name, exception.GetType().Name);
            return HealthCheckResult.Unhealthy($"the check '{_component.Name}' failed");
        }
    }

    private HealthCheckResult TimedOut()
    {
        _logger.HealthCheckTimedOut(_component.Name, _limit.TotalSeconds);
        return HealthCheckResult.Unhealthy($"the check '{_component.Name}' did not finish in time");
    }

    private static HealthStatus Status(ComponentState state) => state switch
    {
        ComponentState.Healthy => HealthStatus.Healthy,
        ComponentState.Degraded => HealthStatus.Degraded,
        _ => HealthStatus.Unhealthy,
    };
}
