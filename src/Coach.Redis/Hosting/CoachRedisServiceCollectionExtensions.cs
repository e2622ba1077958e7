using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Redis;
using Coach.Redis.Connections;
using Coach.Redis.History;
using Coach.Redis.Hosting;
using Coach.Redis.Limits;
using Coach.Redis.Sessions;
using Coach.Redis.Settings;
using Coach.Redis.Usage;
using Coach.Redis.Vectors;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what replicas share in Redis.</summary>
public static class CoachRedisServiceCollectionExtensions
{
    /// <summary>
    /// Keeps rate limits, the count of calls that run, cool-downs and open circuits, the places of sessions, budgets
    /// (as a cache of a store that lasts), ended sessions, the distributed cache (session keys with it), conversations,
    /// vectors and the Data Protection key ring in Redis, where all replicas find them, in place of what this process
    /// keeps. Options come from the section <c>Coach:Redis</c>, the connection from
    /// <c>ConnectionStrings:Redis</c>. The secret <c>COACH_DATA_PROTECTION_KEY</c> protects the key ring; without it
    /// the host does not start. Call it after <c>AddCoach</c>, and before <c>AddCoachPostgres</c> where both are used.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddCoachRedis(
        this IServiceCollection services, Action<CoachRedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<CoachRedisOptions> options = services.AddOptions<CoachRedisOptions>().ValidateOnStart();
        if (!services.Any(service => service.ServiceType == typeof(RedisConnection)))
        {
            options.Configure<IServiceProvider>(static (options, provider) =>
            {
                options.ConnectionString = provider.GetService<IConfiguration>()?.GetConnectionString("Redis") ?? "";
                if (OptionsSection.Find(provider, "Coach:Redis") is { } section)
                {
                    section.Bind(options);
                }
            });
            AddStores(services);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        return services;
    }

    private static void AddStores(IServiceCollection services)
    {
        services.AddCoachSecrets(secrets => secrets.Manifest.Optional(KeyRingSecret.Name));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachRedisOptions>, CoachRedisOptionsValidator>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachRedisOptions>, RedisKeyRing.Check>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(static provider => new RedisConnection(
            Value(provider), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<StoreGuard>>(), provider.GetService<IMeterFactory>()));
        services.AddSingleton<IComponentHealth>(static provider =>
            provider.GetRequiredService<RedisConnection>().Guard);
        services.AddHostedService<RedisStart>();
        services.Replace(ServiceDescriptor.Singleton<IRateLimitStore>(static provider => new FallbackRateLimitStore(
            new RedisRateLimitStore(provider.GetRequiredService<RedisConnection>()),
            new MemoryRateLimitStore(provider.GetRequiredService<TimeProvider>()),
            Value(provider).RateLimitsWhenAway, provider.GetRequiredService<TimeProvider>())));
        services.Replace(ServiceDescriptor.Singleton<IConcurrencyStore>(static provider =>
            new RedisConcurrencyStore(provider.GetRequiredService<RedisConnection>())));
        services.Replace(ServiceDescriptor.Singleton<ICooldownStore>(static provider =>
            new RedisCooldownStore(provider.GetRequiredService<RedisConnection>())));
        services.Replace(ServiceDescriptor.Singleton<ISessionPlaceStore>(static provider =>
            new FallbackSessionPlaceStore(
                new RedisSessionPlaceStore(
                    provider.GetRequiredService<RedisConnection>(),
                    provider.GetRequiredService<IDataProtectionProvider>()),
                new MemorySessionPlaceStore(provider.GetRequiredService<TimeProvider>()),
                provider.GetRequiredService<TimeProvider>())));
        services.Replace(ServiceDescriptor.Singleton<IRevokedSessionStore>(static provider =>
            new FallbackRevokedSessionStore(
                new RedisRevokedSessionStore(provider.GetRequiredService<RedisConnection>()),
                new MemoryRevokedSessionStore(provider.GetRequiredService<TimeProvider>()),
                Value(provider).EndedSessionsWhenAway)));
        services.Replace(ServiceDescriptor.Singleton<ISessionEndEvents, RedisSessionEndEvents>());
        services.Replace(ServiceDescriptor.Singleton<IDistributedCache, GuardedCache>());
        services.Replace(ServiceDescriptor.Singleton<IEmbeddingCache>(static provider => new RedisEmbeddingCache(
            provider.GetRequiredService<RedisConnection>(), Value(provider))));
        services.Replace(ServiceDescriptor.Singleton<IChatHistoryStore>(static provider => new RedisChatHistoryStore(
            provider.GetRequiredService<RedisConnection>(),
            new SealedMessages(provider.GetRequiredService<IDataProtectionProvider>()),
            provider.GetRequiredService<IOptions<CoachLlmOptions>>().Value.History)));
        services.AddCoachUsage().UseBudgetCache(static (provider, durable) => new RedisBudgetStore(
            provider.GetRequiredService<RedisConnection>(), durable, provider.GetRequiredService<TimeProvider>()));
        services.AddDataProtection().SetApplicationName("coach");
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IPostConfigureOptions<KeyManagementOptions>, RedisKeyRing>());
    }

    private static CoachRedisOptions Value(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<CoachRedisOptions>>().Value;
}
