using Coach.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Health;

/// <summary>
/// Adds the components' checks and the lifetime's to the host's health checks, after the host's own: whose name is
/// taken is called <c>coach-…</c>, since two checks of one name would fail every probe.
/// </summary>
internal sealed class HealthRegistrations(
    ComponentHealthChecks components,
    IHostApplicationLifetime? lifetime = null) : IPostConfigureOptions<HealthCheckServiceOptions>
{
    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        var taken = options.Registrations.Select(registration => registration.Name)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (HealthCheckRegistration registration in components.Registrations)
        {
            options.Registrations.Add(taken.Contains(registration.Name)
                ? new HealthCheckRegistration(
                    "coach-" + registration.Name, registration.Factory, registration.FailureStatus, registration.Tags,
                    registration.Timeout)
                : registration);
        }

        if (lifetime is not null)
        {
            string own = taken.Contains(LifetimeHealth.Name) ? "coach-" + LifetimeHealth.Name : LifetimeHealth.Name;
            options.Registrations.Add(new HealthCheckRegistration(
                own, new LifetimeHealth(lifetime), HealthStatus.Unhealthy, [ComponentHealthChecks.Tag]));
        }
    }
}

/// <summary>Not ready before the host has started and as soon as it begins to stop.</summary>
internal sealed class LifetimeHealth(IHostApplicationLifetime lifetime) : IHealthCheck
{
    public const string Name = "lifetime";

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(Now());

    private HealthCheckResult Now()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("the application is stopping");
        }

        return lifetime.ApplicationStarted.IsCancellationRequested
            ? HealthCheckResult.Healthy("started")
            : HealthCheckResult.Unhealthy("the application is starting");
    }
}
