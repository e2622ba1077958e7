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
        builder.Services.TryAddSingleton<LlmTelemetry>();
        builder.Services.TryAddSingleton<ProviderResilience>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, ProviderHealth>());
        foreach (string provider in ChatProviders)
        {
            builder.AddProvider<IChatClient>(provider, (services, session, key) =>
                services.GetRequiredService<ProviderClients>().CreateChat(provider, session, key));
        }

        foreach (string provider in EmbeddingProviders)
        {
            builder.AddProvider<IEmbeddingGenerator<string, Embedding<float>>>(provider, (services, session, key) =>
                services.GetRequiredService<ProviderClients>().CreateEmbedding(provider, session, key));
        }

        builder.AddProvider<ISpeechSynthesizer>(ProviderNames.Cartesia, (services, session, key) =>
            services.GetRequiredService<ProviderClients>().CreateSpeech(session, key));
    }

    internal static readonly string[] ChatProviders =
        [ProviderNames.Gemini, ProviderNames.OpenAI, ProviderNames.Anthropic, ProviderNames.OpenRouter, ProviderNames.OpenAICompatible];

    internal static readonly string[] EmbeddingProviders =
        [ProviderNames.Gemini, ProviderNames.OpenAI, ProviderNames.OpenRouter, ProviderNames.OpenAICompatible];
}
