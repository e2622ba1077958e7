using Coach.Llm.Core;

namespace Coach.Llm.Resilience;

/// <summary>
/// Says which providers' circuits are open: <c>llm_providers</c>. Other providers and mock answers go on, so it is
/// never unhealthy.
/// </summary>
internal sealed class ProviderHealth(ProviderResilience policies) : IComponentHealth
{
    public string Name => "llm_providers";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        string[] open =
        [
            .. policies.Used.Where(policy => policy.IsOpen)
                .Select(policy => $"{policy.Provider} ({(policy.KeyOwnership == KeyOwnership.User ? "users' keys" : "the host's key")})")
                .Order(StringComparer.Ordinal),
        ];
        return ValueTask.FromResult(open.Length == 0
            ? new ComponentReport(ComponentState.Healthy, "No provider's circuit is open.")
            : new ComponentReport(
                ComponentState.Degraded,
                $"Calls are refused for a while after repeated failures: {string.Join(", ", open)}."));
    }
}
