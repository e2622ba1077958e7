using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>Which of OpenAI's two chat protocols a server is spoken to in.</summary>
internal static class OpenAIProtocols
{
    private const string PublicHost = "api.openai.com";

    public static ChatProtocol CreateChat(string provider, OpenAIOptions options, string prefix) =>
        UsesResponses(provider, options)
            ? new OpenAIResponsesProtocol(provider, options, prefix)
            : new OpenAIChatProtocol(provider, options, prefix);

    /// <summary>Whether this value of <see cref="OpenAIOptions.Protocol"/> is set, in whatever case.</summary>
    public static bool Is(OpenAIOptions options, string protocol) =>
        string.Equals(options.Protocol, protocol, StringComparison.OrdinalIgnoreCase);

    // A host that gave OpenAI another address has a proxy or another server there, and most of these know chat
    // completions only.
    private static bool UsesResponses(string provider, OpenAIOptions options) =>
        string.IsNullOrEmpty(options.Protocol)
            ? provider == ProviderNames.OpenAI
                && PublicHost.Equals(options.BaseUrl?.Host, StringComparison.OrdinalIgnoreCase)
            : Is(options, OpenAIOptions.Responses);
}
