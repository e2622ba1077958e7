using Coach.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Adds the components' checks and the lifetime's to the host's health checks.</summary>
internal sealed class HealthRegistrations(ComponentHealthChecks components, IHostApplicationLifetime? lifetime = null) : IConfigureOptions<HealthCheckServiceOptions>
{
    public void Configure(HealthCheckServiceOptions options)
    {
        foreach (HealthCheckRegistration registration in components.Registrations)
        {
            options.Registrations.Add(registration);
        }

        if (lifetime is not null)
        {
            options.Registrations.Add(new HealthCheckRegistration(LifetimeHealth.Name, new LifetimeHealth(lifetime), HealthStatus.Unhealthy, [ComponentHealthChecks.Tag]));
        }
    }
}
