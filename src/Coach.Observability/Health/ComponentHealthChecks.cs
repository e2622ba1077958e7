using Coach.Abstractions;
using Coach.Observability.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Observability;

/// <summary>
/// One health check per registered <see cref="IComponentHealth"/>: single-flight, its outcome reused for
/// <see cref="CoachObservabilityOptions.HealthMaxAge"/>, bounded by
/// <see cref="CoachObservabilityOptions.HealthTimeout"/>. Coach.AspNetCore adds them to the host's health checks; other
/// hosts add <see cref="Registrations"/> themselves.
/// </summary>
public sealed class ComponentHealthChecks
{
    /// <summary>The tag of every registration.</summary>
    public const string Tag = "coach";

    /// <summary>Wraps the components.</summary>
    /// <param name="components">The components; of two with one name the first counts.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock of limits and ages.</param>
    /// <param name="logger">Where failing checks are logged.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public ComponentHealthChecks(
        IEnumerable<IComponentHealth> components,
        IOptions<CoachObservabilityOptions> options,
        TimeProvider time,
        ILogger<ComponentHealthChecks> logger)
    {
        ArgumentNullException.ThrowIfNull(components);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(logger);
        Registrations =
        [
            .. components.DistinctBy(component => component.Name, StringComparer.OrdinalIgnoreCase).Select(component =>
                new HealthCheckRegistration(
                    component.Name,
                    new ComponentHealthCheck(component, options.Value, time, logger),
                    HealthStatus.Unhealthy,
                    [Tag])),
        ];
    }

    /// <summary>The registrations, in the order of the components.</summary>
    public IReadOnlyList<HealthCheckRegistration> Registrations { get; }
}
