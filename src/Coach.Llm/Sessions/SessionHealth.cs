using System.Globalization;

namespace Coach.Llm.Sessions;

/// <summary>
/// Says whether new sessions still get in: <c>llm_sessions</c>. Live sessions go on either way, so it is never
/// unhealthy.
/// </summary>
internal sealed class SessionHealth(SessionClientRegistry registry) : IComponentHealth
{
    public string Name => "llm_sessions";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        string count = registry.SessionCount.ToString(CultureInfo.InvariantCulture);
        string? reason = (registry.IsMemoryShort, registry.IsFull) switch
        {
            (true, _) => "memory is short, so new ones wait.",
            (_, true) => "all places are taken.",
            _ => null,
        };
        return ValueTask.FromResult(reason is null
            ? new ComponentReport(ComponentState.Healthy, $"{count} sessions.")
            : new ComponentReport(ComponentState.Degraded, $"{count} sessions; {reason}"));
    }
}
