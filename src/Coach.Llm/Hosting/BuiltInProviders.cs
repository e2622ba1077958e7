using Coach.Llm.Pipeline;
using Coach.Llm.Protocols.Anthropic;
using Coach.Llm.Protocols.Cartesia;
using Coach.Llm.Protocols.Gemini;
using Coach.Llm.Protocols.OpenAI;
using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Llm.Settings;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Hosting;

/// <summary>The providers that Coach brings along, and the registration of their clients.</summary>
internal static class BuiltInProviders
{
    /// <summary>One line a provider, in the order of <see cref="ProviderNames.All"/>.</summary>
    public static ProviderCatalog Create(CoachLlmOptions options) => new(
    [
        new GeminiProvider(options.Gemini),
        new OpenAIProvider(options.OpenAI),
        new AnthropicProvider(options.Anthropic),
        new OpenRouterProvider(options.OpenRouter),
        new OpenAICompatibleProvider(options.OpenAICompatible),
        new CartesiaProvider(options.Cartesia),
    ]);

    public static void Register(CoachLlmBuilder builder)
    {
        IServiceCollection services = builder.Services;
        services.TryAddSingleton(provider => Create(Options(provider)));
        services.TryAddSingleton(provider => new HostKeys(
            provider.GetRequiredService<ProviderCatalog>(), provider.GetRequiredService<ISecretSource>(),
            Options(provider).HostKeyRotations, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => Options(provider).Requests);
        services.TryAddSingleton(provider => Options(provider).Telemetry);
        services.TryAddSingleton(
            provider => new ChatDefaults(Options(provider).Temperature, Options(provider).MaxOutputTokens));
        services.TryAddSingleton(provider => new SessionLimiter(
            Options(provider).Limits, Options(provider).Sessions.MaxSessions,
            provider.GetRequiredService<TimeProvider>(), Shared(provider)));
        services.TryAddSingleton<ProviderConnection>();
        services.TryAddSingleton<RefusedParameters>();
        services.TryAddSingleton<LiveSettings>();
        services.TryAddSingleton<ProviderClients>();
        services.TryAddSingleton<LlmTelemetry>();
        services.TryAddSingleton<ProviderResilience>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, ProviderHealth>());
        foreach (Provider provider in Create(new CoachLlmOptions()).All)
        {
            Register(builder, provider);
        }
    }

    // Buckets of one process would only be asked twice.
    private static SharedCallLimits? Shared(IServiceProvider provider)
    {
        IRateLimitStore? rates = provider.GetService<IRateLimitStore>() is { IsShared: true } shared ? shared : null;
        IConcurrencyStore? places = provider.GetService<IConcurrencyStore>();
        return rates is null && places is null
            ? null
            : new SharedCallLimits(
                rates, places, Options(provider).Limits, provider.GetRequiredService<TimeProvider>());
    }

    private static void Register(CoachLlmBuilder builder, Provider provider)
    {
        string name = provider.Name;
        if (provider.CreateChat() is not null)
        {
            builder.AddProvider<IChatClient>(name, (services, session, key) =>
                services.GetRequiredService<ProviderClients>().CreateChat(name, session, key));
        }

        if (provider.CreateEmbedding() is not null)
        {
            builder.AddProvider<IEmbeddingGenerator<string, Embedding<float>>>(name, (services, session, key) =>
                services.GetRequiredService<ProviderClients>().CreateEmbedding(name, session, key));
        }

        if (provider.CreateSpeech() is not null)
        {
            builder.AddProvider<ISpeechSynthesizer>(name, (services, session, key) =>
                services.GetRequiredService<ProviderClients>().CreateSpeech(name, session, key));
        }
    }

    private static CoachLlmOptions Options(IServiceProvider services) =>
        services.GetRequiredService<IOptions<CoachLlmOptions>>().Value;
}
