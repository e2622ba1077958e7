using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coach.Llm;

/// <summary>Registers the clients of the providers that Coach brings along.</summary>
internal static class BuiltInProviders
{
    public static void Register(CoachLlmBuilder builder)
    {
        builder.Services.TryAddSingleton<ProviderConnection>();
        builder.Services.TryAddSingleton<ProviderClients>();
        foreach (string provider in ChatProviders)
        {
            builder.AddProvider<IChatClient>(provider, (services, session, key) =>
                services.GetRequiredService<ProviderClients>().CreateChat(provider, session, key));
        }
    }

    internal static readonly string[] ChatProviders =
        [ProviderNames.Gemini, ProviderNames.OpenAI, ProviderNames.Anthropic, ProviderNames.OpenRouter, ProviderNames.OpenAICompatible];
}
