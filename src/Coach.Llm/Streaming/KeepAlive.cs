using Microsoft.Extensions.AI;

namespace Coach.Llm.Streaming;

/// <summary>
/// Says that a provider is at work although it has nothing to tell yet: comments, pings, events without content. It
/// restarts the limits on silence and goes no further than to them.
/// </summary>
internal static class KeepAlive
{
    public static ChatResponseUpdate Update { get; } = new(ChatRole.Assistant, []);

    public static bool Is(ChatResponseUpdate update) => ReferenceEquals(update, Update);
}
