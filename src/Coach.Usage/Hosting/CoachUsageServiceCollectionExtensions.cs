using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Usage;
using Coach.Usage.Budgets;
using Coach.Usage.Credits;
using Coach.Usage.Hosting;
using Coach.Usage.Prices;
using Coach.Usage.Settings;
using Coach.Usage.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers usage and budgets.</summary>
public static class CoachUsageServiceCollectionExtensions
{
    /// <summary>
    /// Registers <see cref="IUsageLedger"/> and <see cref="IBudget"/> in memory unless the builder is told otherwise,
    /// and <see cref="UsageRecorder"/>. Options come from the section <c>Coach:Usage</c>. Calling it twice is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The builder that chooses stores and prices.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachUsageBuilder AddCoachUsage(
        this IServiceCollection services, Action<CoachUsageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<CoachUsageOptions> options = services.AddOptions<CoachUsageOptions>().ValidateOnStart();
        if (!services.Any(service => service.ServiceType == typeof(UsageRecorder)))
        {
            options.Configure<IServiceProvider>((options, provider) =>
            {
                if (OptionsSection.Find(provider, "Coach:Usage") is { } section)
                {
                    section.Bind(options);
                }
            });
            services.AddOptions<CoachCreditOptions>().ValidateOnStart().Configure<IServiceProvider>(
                (options, provider) =>
                {
                    if (OptionsSection.Find(provider, "Coach:Credits") is { } section)
                    {
                        section.Bind(options);
                    }
                });
            AddServices(services);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        return new CoachUsageBuilder(services);
    }

    private static void AddServices(IServiceCollection services)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachUsageOptions>, CoachUsageOptionsValidator>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachUsageOptions>, LedgerRetentionService.Check>());
        services.AddSingleton<IHostedService>(static provider => new LedgerRetentionService(
            provider.GetRequiredService<IUsageLedger>, OptionsOf(provider),
            provider.GetRequiredService<TimeProvider>(), LoggerOf(provider)));
        services.AddCoachSecrets(static options => options.Manifest.Optional(LedgerSigningKey.SecretName));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachCreditOptions>, CoachCreditOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(
            static provider => new LedgerSigningKey(provider.GetRequiredService<ISecretSource>()));
        services.TryAddSingleton(static provider => new UsageMetrics(
            provider.GetService<IMeterFactory>(), provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<IUsageLedger>(static provider => new MemoryUsageLedger(
            provider.GetRequiredService<TimeProvider>(), null,
            provider.GetRequiredService<LedgerSigningKey>().Bytes));
        services.TryAddSingleton<IBudgetStore>(
            static provider => new MemoryBudgetStore(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<IAuditLog>(
            static provider => new MemoryAuditLog(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(Prices);
        services.AddOptions<PriceFileCheck>().ValidateOnStart();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<PriceFileCheck>, PriceFileValidator>());
        services.AddSingleton(static provider => new UsageRecorder(
            provider.GetRequiredService<IUsageLedger>(), provider.GetRequiredService<IPriceSource>(),
            OptionsOf(provider), provider.GetRequiredService<UsageMetrics>(),
            provider.GetRequiredService<TimeProvider>(), LoggerOf(provider)));
        services.TryAddSingleton<ICredits>(Credits);
        services.TryAddSingleton<IBudget>(static provider => new BudgetService(
            provider.GetRequiredService<IOptionsMonitor<CoachUsageOptions>>(),
            provider.GetRequiredService<IBudgetStore>(),
            provider.GetRequiredService<UsageMetrics>(), provider.GetRequiredService<TimeProvider>(),
            LoggerOf(provider)));
    }

    private static CreditService Credits(IServiceProvider provider) => new(
        new CreditStores(
            provider.GetRequiredService<IUsageLedger>(), provider.GetRequiredService<IBudgetStore>(),
            provider.GetRequiredService<IAuditLog>()),
        provider.GetRequiredService<IOptions<CoachCreditOptions>>(), OptionsOf(provider),
        provider.GetRequiredService<UsageMetrics>(), provider.GetServices<ILowBalanceHandler>(), LoggerOf(provider));

    private static IPriceSource Prices(IServiceProvider provider) => OptionsOf(provider).Value.PriceFile is { } path
        ? new FilePriceSource(
            path, provider.GetRequiredService<TimeProvider>(), provider.GetService<ILogger<FilePriceSource>>())
        : new FixedPriceSource(PriceTable.Empty);

    private static IOptions<CoachUsageOptions> OptionsOf(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<CoachUsageOptions>>();

    private static ILogger LoggerOf(IServiceProvider provider) =>
        provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Usage") ?? (ILogger)NullLogger.Instance;
}
