using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Makes the built-in providers' clients. What does not depend on a key is made once and shared by all sessions.</summary>
internal sealed class ProviderClients
{
    private readonly ProviderConnection _connection;
    private readonly Dictionary<string, ChatWire> _chat;

    public ProviderClients(ProviderConnection connection)
    {
        _connection = connection;
        CoachLlmOptions options = connection.Options;
        _chat = new Dictionary<string, ChatWire>(StringComparer.Ordinal)
        {
            [ProviderNames.Gemini] = new GeminiChatWire(options.Gemini),
            [ProviderNames.OpenAI] = new OpenAIChatWire(ProviderNames.OpenAI, options.OpenAI, "v1"),
            [ProviderNames.Anthropic] = new AnthropicChatWire(options.Anthropic),
            [ProviderNames.OpenRouter] = new OpenAIChatWire(ProviderNames.OpenRouter, options.OpenRouter, "api/v1"),
            [ProviderNames.OpenAICompatible] = new OpenAIChatWire(ProviderNames.OpenAICompatible, options.OpenAICompatible, "v1"),
        };
    }

    public IChatClient CreateChat(string provider, SessionId session, ApiKey key) => new WireChatClient(_chat[provider], _connection, key);
}
