using Coach.Abstractions;
using Coach.Observability;
using Coach.Observability.Configuration;
using Coach.Observability.Containers;
using Coach.Observability.Hosting;
using Coach.Observability.Instrumentation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Coach.Observability.</summary>
public static class CoachObservabilityServiceCollectionExtensions
{
    /// <summary>
    /// Registers the container, process and configuration gauges, the memory-pressure source, and a health check for
    /// every <see cref="IComponentHealth"/>. Binds <c>Coach:Observability</c> and <c>Coach:Deployment</c>; calling it
    /// twice is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options after the configuration was bound.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachObservabilityBuilder AddCoachObservability(
        this IServiceCollection services, Action<CoachObservabilityOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptionsWithValidateOnStart<CoachObservabilityOptions, CoachObservabilityOptionsValidator>();
        services.TryAddEnumerable(ServiceDescriptor
            .Singleton<IConfigureOptions<CoachObservabilityOptions>, CoachObservabilityOptionsBinding>());
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<CoachDeploymentOptionsBinding>();
        services.AddOptions<CoachDeploymentOptions>().ValidateOnStart();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<CoachDeploymentOptions>, CoachDeploymentOptionsBinding>(
            provider => provider.GetRequiredService<CoachDeploymentOptionsBinding>()));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachDeploymentOptions>, CoachDeploymentOptionsBinding>(
            provider => provider.GetRequiredService<CoachDeploymentOptionsBinding>()));

        services.TryAddSingleton<ContainerMonitor>();
        services.TryAddSingleton<ProcessMonitor>();
        services.TryAddSingleton<MemoryPressure>();
        services.TryAddSingleton<IMemoryPressure>(provider => provider.GetRequiredService<MemoryPressure>());
        services.TryAddSingleton<CoachGauges>();
        services.TryAddSingleton<HealthStatusPublisher>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHealthCheckPublisher, HealthStatusPublisher>(
            provider => provider.GetRequiredService<HealthStatusPublisher>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, MemoryHealth>());
        services.TryAddSingleton<ComponentHealthChecks>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ObservabilityStart>());
        return new CoachObservabilityBuilder(services);
    }
}
