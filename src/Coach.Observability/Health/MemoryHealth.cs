using Coach.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.Observability;

/// <summary>Memory pressure as a component: degraded, or unhealthy where the host asked for that.</summary>
internal sealed class MemoryHealth(MemoryPressure pressure, IOptions<CoachObservabilityOptions> options) : IComponentHealth
{
    public string Name => "memory";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(
        !pressure.IsHigh ? new ComponentReport(ComponentState.Healthy, "Memory is not short")
        : options.Value.MemoryPressureFailsReadiness ? new ComponentReport(ComponentState.Unhealthy, "Container memory pressure detected")
        : new ComponentReport(ComponentState.Degraded, "Container memory pressure detected"));
}
