using Coach.Abstractions;
using Coach.Observability.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Coach.Observability.Health;

/// <summary>A component's health as a health check that probes cannot use to create load.</summary>
internal sealed class ComponentHealthCheck(
    IComponentHealth component, CoachObservabilityOptions options, TimeProvider time, ILogger logger) : IHealthCheck
{
    private readonly Lock _gate = new();
    private Task<HealthCheckResult>? _running;
    private HealthCheckResult _last;
    private long? _lastAt;

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            // A check that outlived its limit stays the one that runs: hanging checks must not pile up behind probes.
            if (_running is null)
            {
                if (_lastAt is { } at && time.GetElapsedTime(at) < options.HealthMaxAge)
                {
                    return Task.FromResult(_last);
                }

                _running = Task.Run(RunAsync, CancellationToken.None);
            }

            return BoundAsync(_running, cancellationToken);
        }
    }

    private async Task<HealthCheckResult> BoundAsync(
        Task<HealthCheckResult> running, CancellationToken cancellationToken)
    {
        try
        {
            return await running.WaitAsync(options.HealthTimeout, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            logger.HealthCheckTimedOut(component.Name, options.HealthTimeout.TotalSeconds);
            return HealthCheckResult.Unhealthy($"the check '{component.Name}' did not finish in time");
        }
    }

    private async Task<HealthCheckResult> RunAsync()
    {
        HealthCheckResult result;
        try
        {
            using var limit = new CancellationTokenSource(options.HealthTimeout, time);
            ComponentReport report = await component.CheckAsync(limit.Token).ConfigureAwait(false);
            result = new HealthCheckResult(Status(report.State), report.Description);
        }
        catch (OperationCanceledException)
        {
            logger.HealthCheckTimedOut(component.Name, options.HealthTimeout.TotalSeconds);
            result = HealthCheckResult.Unhealthy($"the check '{component.Name}' did not finish in time");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A component promises not to throw; one that does must not cost the probe, and its text must not be shown.
            logger.HealthCheckThrew(component.Name, exception.GetType().Name);
            result = HealthCheckResult.Unhealthy($"the check '{component.Name}' failed");
        }

        lock (_gate)
        {
            _last = result;
            _lastAt = time.GetTimestamp();
            _running = null;
        }

        return result;
    }

    private static HealthStatus Status(ComponentState state) => state switch
    {
        ComponentState.Healthy => HealthStatus.Healthy,
        ComponentState.Degraded => HealthStatus.Degraded,
        _ => HealthStatus.Unhealthy,
    };
}
