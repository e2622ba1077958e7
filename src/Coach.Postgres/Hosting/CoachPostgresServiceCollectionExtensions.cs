using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Postgres;
using Coach.Postgres.Connections;
using Coach.Postgres.History;
using Coach.Postgres.Hosting;
using Coach.Postgres.Jobs;
using Coach.Postgres.KeyRing;
using Coach.Postgres.Payments;
using Coach.Postgres.Sessions;
using Coach.Postgres.Settings;
using Coach.Postgres.Usage;
using Coach.Postgres.Vectors;
using Coach.Usage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what must outlive any replica, in PostgreSQL.</summary>
public static class CoachPostgresServiceCollectionExtensions
{
    /// <summary>
    /// Keeps payment records, the usage ledger, budgets, the audit log, tabs, conversations, jobs, documents, vectors
    /// and the Data Protection key ring in PostgreSQL, in place of what this process or Redis keeps; ended sessions and
    /// the distributed cache too, unless Redis keeps them. Options come from the section <c>Coach:Postgres</c>, the
    /// connection from <c>ConnectionStrings:Coach</c>. The secret <c>COACH_DATA_PROTECTION_KEY</c> protects the key
    /// ring; without it the host does not start. Call it after <c>AddCoach</c>, and after <c>AddCoachRedis</c> where
    /// both are used.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddCoachPostgres(
        this IServiceCollection services, Action<CoachPostgresOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddDatabase(services, configure);
        if (!services.Any(service => service.ServiceType == typeof(PostgresKnowledgeLog)))
        {
            AddKeyRing(services);
            AddStores(services);
        }

        return services;
    }

    /// <summary>
    /// Keeps the usage ledger, budgets and the audit log in PostgreSQL, and nothing else: for hosts that have tables of
    /// their own. Options come from the section <c>Coach:Postgres</c>, the connection from
    /// <c>ConnectionStrings:Coach</c>. No key ring is kept, so no secret is asked for.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachUsageBuilder UsePostgres(
        this CoachUsageBuilder builder, Action<CoachPostgresOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddDatabase(builder.Services, configure);
        return builder
            .UseLedger(static provider => new PostgresUsageLedger(
                Database(provider), provider.GetRequiredService<LedgerSigningKey>().Bytes))
            .UseAuditLog(static provider => new PostgresAuditLog(Database(provider)))
            .UseDurableBudgetStore(static provider => new PostgresBudgetStore(Database(provider)));
    }

    private static void AddDatabase(IServiceCollection services, Action<CoachPostgresOptions>? configure)
    {
        OptionsBuilder<CoachPostgresOptions> options = services.AddOptions<CoachPostgresOptions>().ValidateOnStart();
        if (!services.Any(service => service.ServiceType == typeof(PostgresDatabase)))
        {
            options.Configure<IServiceProvider>(static (options, provider) =>
            {
                options.ConnectionString = provider.GetService<IConfiguration>()?.GetConnectionString("Coach") ?? "";
                if (OptionsSection.Find(provider, "Coach:Postgres") is { } section)
                {
                    section.Bind(options);
                }
            });
            AddConnections(services);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }
    }

    private static void AddConnections(IServiceCollection services)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachPostgresOptions>, CoachPostgresOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(static provider => new PostgresDatabase(
            Value(provider), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<StoreGuard>>(), provider.GetService<IMeterFactory>()));
        services.AddSingleton<IComponentHealth>(static provider =>
            provider.GetRequiredService<PostgresDatabase>().Guard);
        services.AddSingleton<IHostedService>(static provider => new PostgresService(
            provider.GetRequiredService<PostgresDatabase>(), Value(provider),
            provider.GetRequiredService<TimeProvider>())
        {
            ConversationLifetime = provider.GetRequiredService<IOptions<CoachLlmOptions>>().Value.History.Lifetime,
        });
    }

    private static void AddKeyRing(IServiceCollection services)
    {
        services.AddCoachSecrets(secrets => secrets.Manifest.Optional(KeyRingSecret.Name));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachPostgresOptions>, PostgresKeyRing.Check>());
        services.AddDataProtection().SetApplicationName("coach");
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<KeyManagementOptions>, PostgresKeyRing>());
    }

    private static void AddStores(IServiceCollection services)
    {
        services.AddSingleton(static provider => new PostgresKnowledgeLog(Database(provider)));
        services.AddCoachPayments()
            .UseStore(static provider => new PostgresIdempotencyStore(Database(provider)))
            .UseTabStore(static provider => new PostgresTabStore(Database(provider)));
        services.AddCoachUsage().UsePostgres();
        services.Replace(ServiceDescriptor.Singleton<IJobStore>(static provider =>
            new PostgresJobStore(Database(provider))));
        services.Replace(ServiceDescriptor.Singleton<IEmbeddingCache>(static provider =>
            new PostgresEmbeddingCache(Database(provider))));
        services.Replace(ServiceDescriptor.Singleton<IChatHistoryStore>(static provider => new PostgresChatHistoryStore(
            Database(provider), new SealedMessages(provider.GetRequiredService<IDataProtectionProvider>()),
            provider.GetRequiredService<IOptions<CoachLlmOptions>>().Value.History)));

        // A store that tells of ended sessions shares them already, and its host's cache with them.
        if (!services.Any(static service => service.ServiceType == typeof(ISessionEndEvents)))
        {
            services.Replace(ServiceDescriptor.Singleton<IRevokedSessionStore>(static provider =>
                new FallbackRevokedSessionStore(
                    new PostgresRevokedSessionStore(Database(provider)),
                    new MemoryRevokedSessionStore(provider.GetRequiredService<TimeProvider>()),
                    Value(provider).EndedSessionsWhenAway)));
            services.Replace(ServiceDescriptor.Singleton<IDistributedCache>(static provider =>
                new PostgresCache(Database(provider))));
        }
    }

    private static PostgresDatabase Database(IServiceProvider provider) =>
        provider.GetRequiredService<PostgresDatabase>();

    private static CoachPostgresOptions Value(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<CoachPostgresOptions>>().Value;
}
