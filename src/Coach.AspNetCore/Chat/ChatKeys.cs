using Coach.Abstractions;
using Coach.Llm;

namespace Coach.AspNetCore;

/// <summary>Which of a session's keys can chat.</summary>
internal static class ChatKeys
{
    /// <summary>The keys of chat providers, in the order they are tried.</summary>
    public static IEnumerable<ApiKey> Of(IReadOnlyList<ApiKey> keys) => keys.Where(key => key.Provider != ProviderNames.Cartesia);
}
