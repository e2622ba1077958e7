using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Payments;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers payments.</summary>
public static class CoachPaymentsServiceCollectionExtensions
{
    /// <summary>
    /// Registers <see cref="IPaymentLinks"/> and <see cref="IPaymentWebhooks"/>: Stripe over REST and records in memory, unless the
    /// builder is told otherwise. Options come from the section <c>Coach:Payments</c>, the secrets <c>STRIPE_API_KEY</c> and
    /// <c>STRIPE_WEBHOOK_SECRET</c> from the host's secret source at each use. Calling it twice is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The builder that chooses gateway and store.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachPaymentsBuilder AddCoachPayments(this IServiceCollection services, Action<CoachPaymentsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddCoachSecrets(static options =>
            options.Manifest.Optional(StripeTransport.SecretName, PaymentWebhooks.SecretName));
        OptionsBuilder<CoachPaymentsOptions> options = services.AddOptions<CoachPaymentsOptions>().ValidateOnStart();
        if (!services.Any(static service => service.ServiceType == typeof(PaymentParts)))
        {
            options.Configure<IServiceProvider>(static (options, provider) =>
                provider.GetService<IConfiguration>()?.GetSection("Coach:Payments").Bind(options));
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CoachPaymentsOptions>, CoachPaymentsOptionsValidator>());
        services.TryAddSingleton(static provider => new PaymentMetrics(provider.GetService<IMeterFactory>()));
        services.TryAddSingleton(static provider => new PaymentRandom(provider.GetService<Random>()));
        services.TryAddSingleton(static provider => new SimulatedGateway(OptionsOf(provider).Simulated, TimeOf(provider)));
        services.TryAddSingleton(static provider => new StripeGateway(
            new StripeTransport(provider.GetRequiredService<IHttpClientFactory>(), provider.GetRequiredService<ISecretSource>(), OptionsOf(provider).Stripe, TimeOf(provider)),
            OptionsOf(provider).Stripe));
        services.TryAddSingleton<IPaymentGateway>(static provider => provider.GetRequiredService<StripeGateway>());
        services.TryAddSingleton<IIdempotencyStore>(static provider => new MemoryIdempotencyStore(TimeOf(provider), OptionsOf(provider).MaxRecords));
        services.TryAddSingleton(static provider => BuildParts(provider));
        services.TryAddSingleton<IPaymentLinks>(static provider => new PaymentLinkService(provider.GetRequiredService<PaymentParts>()));
        services.TryAddSingleton<IPaymentWebhooks>(static provider =>
            new PaymentWebhooks(provider.GetRequiredService<PaymentParts>(), provider.GetRequiredService<ISecretSource>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IComponentHealth, PaymentHealth>());
        IHttpClientBuilder client = services.AddHttpClient(StripeTransport.ClientName);
        if (!services.Any(static service => service.ServiceType == typeof(HttpClientMark)))
        {
            services.AddSingleton<HttpClientMark>();
            client.ConfigureHttpClient(static http => http.Timeout = Timeout.InfiniteTimeSpan)
                .ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
                {
                    // The key must not follow a redirect, and nothing here needs a cookie.
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                });
        }

        return new CoachPaymentsBuilder(services, "", client);
    }

    private static CoachPaymentsOptions OptionsOf(IServiceProvider provider) => provider.GetRequiredService<IOptions<CoachPaymentsOptions>>().Value;

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();

    private static PaymentParts BuildParts(IServiceProvider provider)
    {
        CoachPaymentsOptions options = OptionsOf(provider);
        TimeProvider time = TimeOf(provider);
        IPaymentGateway gateway = provider.GetRequiredService<IPaymentGateway>();
        PaymentMetrics metrics = provider.GetRequiredService<PaymentMetrics>();
        ILogger logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Payments") ?? NullLogger.Instance;
        PaymentRandom random = provider.GetRequiredService<PaymentRandom>();
        var availability = new GatewayAvailability(gateway, options, time, metrics, logger);
        return new PaymentParts
        {
            Store = provider.GetRequiredService<IIdempotencyStore>(),
            Gateway = gateway,
            Simulated = provider.GetRequiredService<SimulatedGateway>(),
            Availability = availability,
            Steps = new StepRunner(gateway, options, time, random.Next, availability, metrics, logger),
            Options = options,
            HostMode = provider.GetRequiredService<IOptions<CoachHostOptions>>().Value.Mode,
            Time = time,
            Metrics = metrics,
            Logger = logger,
        };
    }

    private sealed class HttpClientMark;
}
