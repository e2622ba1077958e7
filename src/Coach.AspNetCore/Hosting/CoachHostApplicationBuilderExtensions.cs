using System.Reflection;
using Coach.Abstractions;
using Coach.AspNetCore;
using Coach.AspNetCore.Callers;
using Coach.AspNetCore.Chat;
using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Draining;
using Coach.AspNetCore.Health;
using Coach.AspNetCore.Hosting;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Knowledge;
using Coach.AspNetCore.Middleware;
using Coach.AspNetCore.Page;
using Coach.AspNetCore.Payments;
using Coach.AspNetCore.Sessions;
using Coach.AspNetCore.Speech;
using Coach.AspNetCore.Usage;
using Coach.Llm;
using Coach.Payments;
using Coach.Rag;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Resources;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the whole suite in a web host.</summary>
public static class CoachHostApplicationBuilderExtensions
{
    /// <summary>
    /// Adds sessions, chat, retrieval, payments, metrics and health, configured from <c>Coach:*</c> and from the
    /// documented environment variables. Listens on 127.0.0.1:8080 unless the host says otherwise (<c>HOST</c>,
    /// <c>PORT</c>, <c>urls</c>).
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <returns>The builder of each package.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachBuilder AddCoach(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IReadOnlyList<string> problems = CoachEnvironment.Apply(builder.Configuration);
        IServiceCollection services = builder.Services;

        // Its lines hold the path as it was decoded, line feeds included: anybody could write lines of their own.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        services.AddOptions<EnvironmentCheck>().Configure(check => check.Problems = problems).ValidateOnStart();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<EnvironmentCheck>, EnvironmentCheck.Validator>());
        services.AddCoachSecrets(DeclareSecrets);
        var coach = new CoachBuilder(
            services,
            services.AddCoachLlm(),
            services.AddCoachRag(),
            services.AddCoachPayments().WithReconciliation(),
            services.AddCoachUsage(),
            services.AddCoachObservability());
        coach.Observability.AddCoachMetricsExporter().AddCoachHealthChecks();
        NameService(builder);
        if (!services.Any(service => service.ServiceType == typeof(ChatEndpoint)))
        {
            coach.Chat
                .UseSystemPrompt(
                    context => context.Services.GetRequiredService<IOptions<CoachChatOptions>>().Value.SystemPrompt)
                .Use(ChatStage.Rag, ChatStagePlace.Within, WithDocuments)
                .Use(ChatStage.Budget, ChatStagePlace.Within, UsageStages.WithBudget)
                .Use(ChatStage.Usage, ChatStagePlace.Within, UsageStages.WithUsage)
                .WithTools(TabTools);
            AddHttp(services);
        }

        return coach;
    }

    // OpenTelemetry's default is "unknown_service:dotnet"; its own variables (OTEL_SERVICE_NAME) come after and win.
    private static void NameService(IHostApplicationBuilder builder)
    {
        string name = builder.Environment.ApplicationName;
        string? version = Assembly.GetEntryAssembly()?
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
        builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService(name, serviceVersion: version, autoGenerateServiceInstanceId: false)
            .AddEnvironmentVariableDetector());
    }

    private static RagChatClient WithDocuments(IChatClient client, ChatPipelineContext context)
    {
        KnowledgeScope scope = context.Services.GetService<KnowledgeScopeSource>()?.Scope(
            context) ?? KnowledgeScope.Shared;
        return new RagChatClient(
            client, new ScopedRetriever(context.Services.GetRequiredService<IKnowledgeBases>(), scope));
    }

    // Without a price list there is nothing to order.
    private static IEnumerable<AITool> TabTools(ChatPipelineContext context)
    {
        CoachMenuOptions menu = context.Services.GetRequiredService<IOptions<CoachMenuOptions>>().Value;
        return menu.Items.Count == 0
            ? []
            : [new TabTool(
                context.Services.GetRequiredService<ITabs>(), menu, context.Services.GetRequiredService<TabLimit>(),
                context.Caller)];
    }

    private static void AddHttp(IServiceCollection services)
    {
        services.Configure<KestrelServerOptions>(server => server.AddServerHeader = false);
        services.AddOptionsWithValidateOnStart<CoachSessionOptions, CoachSessionOptionsValidator>()
            .BindConfiguration("Coach:Session");
        services.AddOptionsWithValidateOnStart<CoachChatOptions, CoachChatOptionsValidator>()
            .BindConfiguration("Coach:Chat");
        services.AddOptionsWithValidateOnStart<CoachKnowledgeOptions, CoachKnowledgeOptionsValidator>()
            .BindConfiguration("Coach:Knowledge");
        services.AddOptionsWithValidateOnStart<CoachSpeechOptions, CoachSpeechOptionsValidator>()
            .BindConfiguration("Coach:Speech");
        services.AddOptionsWithValidateOnStart<CoachPageOptions, CoachPageOptionsValidator>()
            .BindConfiguration("Coach:Page");
        services.TryAddSingleton<PageEndpoints>();
        services.AddOptionsWithValidateOnStart<CoachMenuOptions, CoachMenuOptionsValidator>()
            .BindConfiguration("Coach:Menu");
        services.AddOptionsWithValidateOnStart<CoachRateLimitOptions, CoachRateLimitOptionsValidator>()
            .BindConfiguration("Coach:RateLimits");
        services.AddOptionsWithValidateOnStart<CoachDrainOptions, CoachDrainOptionsValidator>()
            .BindConfiguration("Coach");
        services.TryAddSingleton<DrainState>();
        services.AddHostedService<DrainService>();
        services.AddCoachKnownProxies();
        services.AddOptions<CoachCorsOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<CoachCorsOptions>, CoachCors>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CoachCorsOptions>, CoachCors>());
        services.AddCors();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<CorsOptions>, CoachCors.Policy>());
        services.TryAddSingleton<AllowedOrigins>();
        services.TryAddSingleton<ProblemPages>();
        services.TryAddSingleton<RepeatedFailures>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, DiskHealth>());
        services.AddHostedService<KnowledgeFolderCheck>();
        services.TryAddSingleton<HostNames>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, FirstMiddleware>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IPostConfigureOptions<HostFilteringOptions>, FirstMiddleware>());

        // Both only fill gaps: a key ring or a cache that the host registered for its replicas wins.
        services.AddDataProtection();
        services.AddDistributedMemoryCache();
        services.AddRateLimiter(_ => { });
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<RateLimiterOptions>, CoachRateLimiter>());
        services.AddExceptionHandler<CoachExceptionHandler>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<JsonOptions>, CoachJsonSetup>());
        AddEndpoints(services);
    }

    private static void AddEndpoints(IServiceCollection services)
    {
        services.TryAddSingleton<SessionTickets>();
        services.TryAddSingleton(RevokedSessions);
        services.TryAddSingleton<IRateLimitStore>(provider =>
            new MemoryRateLimitStore(provider.GetRequiredService<TimeProvider>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, SessionStoreHealth>());
        services.TryAddSingleton<SessionEnd>();
        services.AddHostedService<SessionEndListener>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISessionState, SessionStreamState>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISessionState, SessionKeyState>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISessionState, SessionClientState>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISessionState, HistoryState>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISessionState, KnowledgeState>());
        services.TryAddSingleton<ICallerResolver, ClaimsCallerResolver>();
        services.TryAddSingleton<SessionEndpoints>();
        services.TryAddSingleton<SessionRenewal>();
        services.TryAddSingleton<SessionOwners>();
        services.TryAddSingleton<ISessionPlaceStore>(provider =>
            new MemorySessionPlaceStore(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<SessionPlaces>();
        services.AddSingleton<ISessionState>(provider => provider.GetRequiredService<SessionPlaces>());
        services.TryAddSingleton<EnteredKeys>();
        services.TryAddSingleton<KeyAudit>();
        services.TryAddSingleton<KeyCheckLimit>();
        services.TryAddSingleton<KeyEndpoints>();
        services.TryAddSingleton<ChatFileSpace>();
        services.TryAddSingleton<ChatEndpoint>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICallerData, ConversationData>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICallerData, FeedbackData>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICallerData, SessionKeyData>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICallerData, PaymentData>());
        services.TryAddSingleton(provider => new CallerDataService(
            provider.GetServices<ICallerData>(), provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<CallerDataEndpoints>();
        services.TryAddSingleton<ConversationEndpoints>();
        services.TryAddSingleton<IFeedbackStore, FeedbackLog>();
        services.TryAddSingleton<FeedbackEndpoint>();
        services.TryAddSingleton<CallerKnowledge>();
        services.TryAddSingleton<ISessionTier>(provider => provider.GetRequiredService<CallerKnowledge>());
        services.TryAddSingleton<KnowledgeEndpoints>();
        services.TryAddSingleton<RetrieveEndpoint>();
        services.TryAddSingleton<ConfigEndpoint>();
        services.TryAddSingleton<SpeechEndpoint>();
        services.TryAddSingleton<UsageEndpoints>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICallerData, UsageData>());
        services.TryAddSingleton<UsageAdminEndpoints>();
        services.TryAddSingleton<HostPaidKeys>();
        services.AddOptionsWithValidateOnStart<CoachHostPaidOptions, CoachHostPaidOptionsValidator>()
            .BindConfiguration("Coach:HostPaid");
        services.TryAddSingleton<PaymentEndpoints>();
        services.TryAddSingleton<PaymentAdminEndpoints>();
        services.TryAddSingleton<TabLimit>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachMenuOptions>, TabLimit.Check>());
        services.TryAddSingleton<TabEndpoints>();
        services.TryAddSingleton<SimulatedPage>();
        services.TryAddSingleton<WebhookEndpoint>();
    }

    // A cache of this process alone is bounded by bytes, and whoever ends sessions could push keys out of it.
    private static IRevokedSessionStore RevokedSessions(IServiceProvider provider)
    {
        TimeProvider time = provider.GetRequiredService<TimeProvider>();
        IDistributedCache cache = provider.GetRequiredService<IDistributedCache>();
        return cache is MemoryDistributedCache
            ? new MemoryRevokedSessionStore(time)
            : new CachedRevokedSessionStore(cache, time);
    }

    private static void DeclareSecrets(CoachSecretOptions secrets) => secrets.Manifest
        .Optional(
            "GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "CARTESIA_API_KEY",
            "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")
        .Alias("GEMINI_API_KEY", "GOOGLE_API_KEY")
        .Alias("ANTHROPIC_API_KEY", "CLAUDE_API_KEY");
}
