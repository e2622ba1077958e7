using System.Globalization;

namespace Coach.Llm.Sessions;

/// <summary>Says whether new sessions still get in: <c>llm_sessions</c>. Live sessions go on either way, so it is never unhealthy.</summary>
internal sealed class SessionHealth(SessionClientRegistry registry) : IComponentHealth
{
    public string Name => "llm_sessions";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        string count = registry.SessionCount.ToString(CultureInfo.InvariantCulture);
        return ValueTask.FromResult(
            registry.IsMemoryShort ? new ComponentReport(ComponentState.Degraded, $"{count} sessions; memory is short, so new ones wait.")
            : registry.IsFull ? new ComponentReport(ComponentState.Degraded, $"{count} sessions; all places are taken.")
            : new ComponentReport(ComponentState.Healthy, $"{count} sessions."));
    }
}
