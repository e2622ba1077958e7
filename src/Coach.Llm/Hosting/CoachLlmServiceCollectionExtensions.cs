using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Llm.Core;
using Coach.Llm.Hosting;
using Coach.Llm.Keys;
using Coach.Llm.Pipeline;
using Coach.Llm.Providers;
using Coach.Llm.Sessions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Coach.Llm.</summary>
public static class CoachLlmServiceCollectionExtensions
{
    /// <summary>
    /// Registers key validation, session keys in memory, the session client registry and the clients of the six
    /// providers, and binds <c>Coach:Llm</c>. Calling it again only adds configuration.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes settings after configuration was read.</param>
    /// <returns>The builder to add providers with.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachLlmBuilder AddCoachLlm(
        this IServiceCollection services, Action<CoachLlmOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddCoachSecrets();
        IHttpClientBuilder http = services.AddHttpClient(LlmHttp.ClientName);
        var builder = new CoachLlmBuilder(services, name: "", http);
        if (!services.Any(service => service.ServiceType == typeof(LlmHttp)))
        {
            AddOnce(services, builder);
        }

        if (configure is not null)
        {
            services.Configure(configure);
        }

        return builder;
    }

    private static void AddOnce(IServiceCollection services, CoachLlmBuilder builder)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<CoachLlmOptions>, CoachLlmOptionsBinding>());
        services.AddOptionsWithValidateOnStart<CoachLlmOptions, CoachLlmOptionsValidator>();
        services.AddSingleton<IOptionsChangeTokenSource<CoachLlmOptions>>(provider =>
            new ConfigurationChangeTokenSource<CoachLlmOptions>(
                provider.GetService<IConfiguration>() ?? new ConfigurationBuilder().Build()));
        services.AddSingleton<LlmHttp>();
        services.TryAddSingleton<MockChatClient>();
        services.TryAddSingleton<ProviderFactories>();
        services.TryAddSingleton(provider => new MeterSource(LlmMeter.Name, provider.GetService<IMeterFactory>()));
        services.TryAddSingleton<KeyMetrics>();
        services.TryAddSingleton<ModelWatch>();
        services.TryAddSingleton<KeyValidationClient>();
        services.TryAddSingleton<KeyValidatorTable>();
        services.TryAddSingleton<IApiKeyValidator, ApiKeyValidator>();
        services.TryAddSingleton<ReplacedKeys>();
        services.TryAddSingleton(provider => new SessionKeyWatch(
            provider.GetRequiredService<IApiKeyValidator>(), provider.GetRequiredService<ISessionKeyStore>(),
            provider.GetRequiredService<IOptions<CoachLlmOptions>>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SessionKeyWatch>>()));
        services.TryAddSingleton(provider => new SessionStreams(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<SessionCalls>();
        services.TryAddSingleton<SessionRejections>();
        services.TryAddSingleton<SessionMetrics>();
        services.TryAddSingleton<AdmissionControl>();
        services.TryAddSingleton<ISessionKeyStore, MemorySessionKeyStore>();
        services.TryAddSingleton<IChatHistoryStore>(provider => new MemoryChatHistoryStore(
            provider.GetRequiredService<IOptions<CoachLlmOptions>>(
                ).Value.History, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<SessionClientRegistry>();
        services.TryAddSingleton<ISessionClientRegistry>(
            provider => provider.GetRequiredService<SessionClientRegistry>());
        services.TryAddSingleton(provider => new FallbackServices(
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<FallbackChatClient>>(),
            provider.GetService<IMeterFactory>(),
            provider.GetService<ICooldownStore>()));
        services.TryAddSingleton(provider => new SessionChatClients(
            provider.GetRequiredService<ISessionClientRegistry>(),
            provider.GetRequiredService<ISessionKeyStore>(),
            provider.GetRequiredService<ProviderFactories>(),
            provider.GetRequiredService<IOptions<CoachLlmOptions>>(),
            provider.GetRequiredService<SessionCalls>(),
            provider.GetRequiredService<FallbackServices>()));
        services.TryAddSingleton(provider => new ChatPipelineFactory(
            provider.GetRequiredService<SessionChatClients>(), provider.GetRequiredService<ISessionKeyStore>(),
            provider.GetRequiredService<MockChatClient>(), provider.GetRequiredService<IOptions<CoachHostOptions>>(),
            provider.GetServices<ChatStageRegistration>(), provider));
        services.TryAddSingleton<SessionStages>();
        foreach (ChatStageRegistration stage in BuiltInStages.All)
        {
            services.AddSingleton(stage);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, SessionHealth>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, LlmStartup>());

        // What the host set for all its clients (Aspire's service defaults do) would repeat requests that are repeated
        // here already, and throw Polly's exceptions. Its other handlers stay; so does what it adds to this client.
#pragma warning disable EXTEXP0001 // the removal is still called experimental
        builder.HttpClient.RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        builder.HttpClient.AddResilienceHandler(KeyQuestionRetry.HandlerName, (pipeline, context) =>
            KeyQuestionRetry.Configure(
                pipeline,
                context.ServiceProvider.GetRequiredService<IOptions<CoachLlmOptions>>().Value.Validation.Retry,
                context.ServiceProvider.GetRequiredService<TimeProvider>()));

        // One handler for the life of the host: PooledConnectionLifetime, not the factory's rotation, follows DNS
        // changes.
        builder.HttpClient
            .ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                PooledConnectionLifetime = TimeSpan.FromMinutes(2),
                ConnectTimeout = TimeSpan.FromSeconds(10),
                AllowAutoRedirect = false, // a redirect would carry the key to another host
                UseCookies = false,
                MaxResponseHeadersLength = 64,
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .RedactLoggedHeaders(_ => true)
            // redaction covers their text; the structured values of their trace level still hold the key
            .RemoveAllLoggers();
        BuiltInProviders.Register(builder);
    }
}
