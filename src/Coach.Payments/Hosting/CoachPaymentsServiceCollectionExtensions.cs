using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Payments;
using Coach.Payments.Events;
using Coach.Payments.Gateways;
using Coach.Payments.Hosting;
using Coach.Payments.Idempotency;
using Coach.Payments.Links;
using Coach.Payments.Reports;
using Coach.Payments.Resilience;
using Coach.Payments.Simulated;
using Coach.Payments.Stripe;
using Coach.Payments.Tabs;
using Coach.Payments.Telemetry;
using Coach.Payments.Webhooks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers payments.</summary>
public static class CoachPaymentsServiceCollectionExtensions
{
    private const int LongestName = 40;

    /// <summary>
    /// Registers <see cref="IPaymentLinks"/> and <see cref="IPaymentWebhooks"/>: Stripe over REST, and records in a
    /// file where a live key is (<see cref="CoachPaymentsOptions.StorePath"/>), else in memory, unless the builder is
    /// told otherwise. Options come from the section <c>Coach:Payments</c>, the secrets
    /// <c>STRIPE_API_KEY</c> and <c>STRIPE_WEBHOOK_SECRET</c> from the host's secret source at each use. Calling it
    /// twice is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The builder that chooses gateway and store.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachPaymentsBuilder AddCoachPayments(
        this IServiceCollection services, Action<CoachPaymentsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return Add(services, "", configure);
    }

    /// <summary>
    /// Registers payments beside others: for a second account, or for real links beside simulated ones. Everything is a
    /// keyed service under the name (<c>[FromKeyedServices("shop")] IPaymentLinks</c>), with a gateway, a store,
    /// records and options of its own. Options come from the section <c>Coach:Payments:{name}</c>;
    /// <see cref="CoachPaymentsOptions.Namespace"/> is the name unless set, so that equal operation keys never meet.
    /// Calling it twice with the same name is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="name">The name: 1 to 40 letters, digits and dashes.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The builder that chooses gateway and store.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is no such name.</exception>
    public static CoachPaymentsBuilder AddCoachPayments(
        this IServiceCollection services, string name, Action<CoachPaymentsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > LongestName || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            throw new ArgumentException($"A payments' name has 1 to {LongestName} letters, digits and "
                + "dashes.", nameof(name));
        }

        return Add(services, name, configure);
    }

    private static CoachPaymentsBuilder Add(
        IServiceCollection services, string name, Action<CoachPaymentsOptions>? configure)
    {
        string clientName = name.Length == 0 ? StripeTransport.ClientName : $"{StripeTransport.ClientName}:{name}";
        var builder = new CoachPaymentsBuilder(services, name, services.AddHttpClient(clientName));
        object? key = builder.ServiceKey;
        services.AddCoachSecrets(static options =>
            options.Manifest.Optional(StripeOptions.DefaultApiKeyName, StripeOptions.DefaultWebhookSecretName));
        OptionsBuilder<CoachPaymentsOptions> options =
            services.AddOptions<CoachPaymentsOptions>(name).ValidateOnStart();
        bool isRegistered = services.Any(
            service => service.ServiceType == typeof(PaymentLinkCreator) && Equals(service.ServiceKey, key));
        if (!isRegistered)
        {
            options.Configure<IServiceProvider>((options, provider) =>
            {
                options.Namespace = name.Length == 0 ? options.Namespace : name;
                if (OptionsSection.Find(provider, "Coach:Payments", name) is { } section)
                {
                    section.Bind(options);
                }
            });
            AddShared(services);
            AddGateways(services, key, clientName);
            AddLinks(services, key);
            services.AddSingleton<IComponentHealth>(provider => new PaymentHealth(
                provider.GetRequiredKeyedService<GatewaySelector>(key),
                provider.GetRequiredKeyedService<GatewayAvailability>(key), OptionsOf(provider, key), name));
            ConfigureClient(builder.HttpClient);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        return builder;
    }

    private static void AddShared(IServiceCollection services)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachPaymentsOptions>, CoachPaymentsOptionsValidator>());
        services.TryAddSingleton(static provider => new PaymentMetrics(
            provider.GetService<IMeterFactory>(), provider.GetService<TimeProvider>()));
        services.TryAddSingleton(static provider => new JitterSource(provider.GetService<Random>()));
        services.TryAddSingleton(static provider =>
        {
            ILogger? logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Payments");
            return new PaymentTelemetry(provider.GetRequiredService<PaymentMetrics>(), logger ?? NullLogger.Instance);
        });
    }

    // A key of null is the default registration: the container treats such services as plain ones.
    private static void AddGateways(IServiceCollection services, object? key, string clientName)
    {
        services.TryAddKeyedSingleton(key, static (provider, key) =>
            new SimulatedGateway(OptionsOf(provider, key).Simulated, TimeOf(provider)));
        services.TryAddKeyedSingleton(key, (provider, key) =>
        {
            StripeOptions stripe = OptionsOf(provider, key).Stripe;
            var clients = provider.GetRequiredService<IHttpClientFactory>();
            var secrets = provider.GetRequiredService<ISecretSource>();
            return new StripeGateway(
                new StripeTransport(clients, clientName, secrets, stripe, TimeOf(provider)), stripe);
        });
        services.TryAddKeyedSingleton<IPaymentGateway>(key, static (provider, key) =>
            provider.GetRequiredKeyedService<StripeGateway>(key));
        services.TryAddKeyedSingleton(key, static (provider, key) => new GatewayAvailability(
            provider.GetRequiredKeyedService<IPaymentGateway>(key), OptionsOf(provider, key), TimeOf(provider),
            TelemetryOf(provider)));
        services.TryAddKeyedSingleton(key, static (provider, key) => new GatewayStepExecutor(
            provider.GetRequiredKeyedService<IPaymentGateway>(key), OptionsOf(provider, key), TimeOf(provider),
            provider.GetRequiredService<JitterSource>().Next, provider
                .GetRequiredKeyedService<GatewayAvailability>(key),
            TelemetryOf(provider)));
        services.TryAddKeyedSingleton(key, static (provider, key) => new GatewaySelector(
            provider.GetRequiredKeyedService<IPaymentGateway>(key), provider
                .GetRequiredKeyedService<SimulatedGateway>(key),
            OptionsOf(provider, key), provider.GetRequiredService<IOptions<CoachHostOptions>>().Value.Mode));
    }

    private static void AddLinks(IServiceCollection services, object? key)
    {
        services.TryAddKeyedSingleton<IIdempotencyStore>(key, static (provider, key) =>
            StorePaths.Of(provider, key) is { } path
                ? FileIdempotencyStore.Open(path, TimeOf(provider), OptionsOf(provider, key),
                    provider.GetRequiredKeyedService<IPaymentGateway>(key).Mode.ToString().ToLowerInvariant())
                : new MemoryIdempotencyStore(TimeOf(provider), OptionsOf(provider, key).MaxRecords));
        services.AddSingleton<IHostedService>(provider => new PaymentStart(
            () => provider.GetRequiredKeyedService<IIdempotencyStore>(key),
            provider.GetRequiredKeyedService<GatewaySelector>(key), TelemetryOf(provider)));
        services.TryAddKeyedSingleton(key, static (_, _) => new PaymentOutboxSignal());
        services.TryAddKeyedSingleton(key, static (provider, key) => new PaymentScope(
            provider.GetRequiredKeyedService<GatewaySelector>(key), OptionsOf(provider, key)));
        services.TryAddKeyedSingleton(key, static (provider, key) => new PaymentRecordRepository(
            provider.GetRequiredKeyedService<IIdempotencyStore>(key), provider.GetRequiredService<PaymentMetrics>(),
            provider.GetRequiredKeyedService<PaymentOutboxSignal>(key)));
        services.TryAddKeyedSingleton(key, static (provider, key) => new PaymentLinkCreator(
            provider.GetRequiredKeyedService<GatewaySelector>(key),
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<GatewayStepExecutor>(key),
            OptionsOf(provider, key), TimeOf(provider), TelemetryOf(provider),
            provider.GetRequiredKeyedService<PaymentScope>(key), IsNoting(provider, key)));
        services.TryAddKeyedSingleton(key, static (provider, key) => new PaymentStatusReader(
            provider.GetRequiredKeyedService<GatewaySelector>(key),
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<GatewayStepExecutor>(key),
            OptionsOf(provider, key), TimeOf(provider), TelemetryOf(provider)));
        services.TryAddKeyedSingleton<IPaymentLinks>(key, static (provider, key) => new PaymentLinkService(
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<PaymentLinkCreator>(key),
            provider.GetRequiredKeyedService<PaymentStatusReader>(key),
            provider.GetRequiredKeyedService<PaymentRefunder>(key),
            provider.GetRequiredKeyedService<PaymentScope>(key),
            OptionsOf(provider, key), TimeOf(provider), TelemetryOf(provider)));
        services.TryAddKeyedSingleton(key, static (provider, key) => new PaymentRefunder(
            provider.GetRequiredKeyedService<GatewaySelector>(key),
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<PaymentStatusReader>(key),
            provider.GetRequiredKeyedService<GatewayStepExecutor>(key),
            OptionsOf(provider, key), TimeOf(provider), TelemetryOf(provider)));
        services.TryAddKeyedSingleton<ISimulatedPayments>(key, static (provider, key) => new SimulatedPayments(
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<PaymentStatusReader>(key), TimeOf(provider), TelemetryOf(provider)));
        services.TryAddKeyedSingleton<IPaymentReports>(key, static (provider, key) => new PaymentReports(
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key)));
        services.TryAddKeyedSingleton<ITabStore>(key, static (provider, key) =>
            StorePaths.Of(provider, key) is { } path && provider
                .GetRequiredKeyedService<IIdempotencyStore>(key) is FileIdempotencyStore
                ? OpenTabs(path, OptionsOf(provider, key))
                : new MemoryTabStore());
        services.TryAddKeyedSingleton<ITabs>(key, static (provider, key) => new TabService(
            provider.GetRequiredKeyedService<ITabStore>(key), provider.GetRequiredKeyedService<IPaymentLinks>(key),
            TimeOf(provider)));
        services.TryAddKeyedSingleton<IPaymentEvents>(key, static (provider, key) => new PaymentEvents(
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key), OptionsOf(provider, key),
            provider.GetRequiredKeyedService<PaymentOutboxSignal>(key), TimeOf(provider), TelemetryOf(provider)));
        services.TryAddKeyedSingleton<IPaymentWebhooks>(key, static (provider, key) => new PaymentWebhooks(
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<PaymentScope>(key), provider.GetRequiredService<ISecretSource>(),
            OptionsOf(provider, key), TimeOf(provider), TelemetryOf(provider)));
    }

    /// <summary>Tabs lie beside the records, in a file of their own.</summary>
    internal static FileTabStore OpenTabs(string path, CoachPaymentsOptions options) =>
        JournalLock.Wait(path + ".tabs", options.StoreLockTimeout, static full => new FileTabStore(full));

    private static bool IsNoting(IServiceProvider provider, object? key) => OptionsOf(provider, key).Stripe.NoteLinks
        ?? !provider.GetRequiredKeyedService<IIdempotencyStore>(key).IsDurable;

    // Coach.Payments logs what matters of a request itself; the factory's own four lines a request cost more than the
    // request's text.
    private static void ConfigureClient(IHttpClientBuilder client) => client
        .RemoveAllLoggers()
        .ConfigureHttpClient(static http => http.Timeout = Timeout.InfiniteTimeSpan)
        .ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
        {
            // The key must not follow a redirect, and nothing here needs a cookie.
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        })

        // Attempts, their limits and their number are the service's; a host's own retries would multiply them.
        .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => SendOnceHandler.Guard(handlers));

    private static CoachPaymentsOptions OptionsOf(IServiceProvider provider, object? key) =>
        provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(key as string ?? "");

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();

    private static PaymentTelemetry TelemetryOf(IServiceProvider provider) =>
        provider.GetRequiredService<PaymentTelemetry>();
}
