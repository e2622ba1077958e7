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
    private const int LongestName = 40;

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
        return Add(services, "", configure);
    }

    /// <summary>
    /// Registers payments beside others: for a second account, or for real links beside simulated ones. Everything is a keyed service under
    /// the name (<c>[FromKeyedServices("shop")] IPaymentLinks</c>), with a gateway, a store, records and options of its own. Options come
    /// from the section <c>Coach:Payments:{name}</c>; <see cref="CoachPaymentsOptions.Namespace"/> is the name unless set, so that equal
    /// operation keys never meet. Calling it twice with the same name is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="name">The name: 1 to 40 letters, digits and dashes.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The builder that chooses gateway and store.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is no such name.</exception>
    public static CoachPaymentsBuilder AddCoachPayments(this IServiceCollection services, string name, Action<CoachPaymentsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > LongestName || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            throw new ArgumentException($"A payments' name has 1 to {LongestName} letters, digits and dashes.", nameof(name));
        }

        return Add(services, name, configure);
    }

    private static CoachPaymentsBuilder Add(IServiceCollection services, string name, Action<CoachPaymentsOptions>? configure)
    {
        bool isFirst = !services.HasNamed<PaymentParts>(name);
        services.AddCoachSecrets(static options => options.Manifest.Optional(StripeOptions.DefaultApiKeyName, StripeOptions.DefaultWebhookSecretName));
        OptionsBuilder<CoachPaymentsOptions> options = services.AddOptions<CoachPaymentsOptions>(name).ValidateOnStart();
        if (isFirst)
        {
            options.Configure<IServiceProvider>((options, provider) =>
            {
                options.Namespace = name.Length == 0 ? options.Namespace : name;
                provider.GetService<IConfiguration>()?.GetSection(SectionOf(name)).Bind(options);
            });
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CoachPaymentsOptions>, CoachPaymentsOptionsValidator>());
        services.TryAddSingleton(static provider => new PaymentMetrics(provider.GetService<IMeterFactory>()));
        services.TryAddSingleton(static provider => new PaymentRandom(provider.GetService<Random>()));
        services.TryAddNamed(name, provider => new SimulatedGateway(OptionsOf(provider, name).Simulated, TimeOf(provider)));
        services.TryAddNamed(name, provider => new StripeGateway(
            new StripeTransport(provider.GetRequiredService<IHttpClientFactory>(), ClientOf(name), provider.GetRequiredService<ISecretSource>(),
                OptionsOf(provider, name).Stripe, TimeOf(provider)),
            OptionsOf(provider, name).Stripe));
        services.TryAddNamed<IPaymentGateway>(name, provider => provider.GetNamed<StripeGateway>(name));
        services.TryAddNamed<IIdempotencyStore>(name, provider => new MemoryIdempotencyStore(TimeOf(provider), OptionsOf(provider, name).MaxRecords));
        services.TryAddNamed(name, provider => BuildParts(provider, name));
        services.TryAddNamed<IPaymentLinks>(name, provider => new PaymentLinkService(provider.GetNamed<PaymentParts>(name)));
        services.TryAddNamed<IPaymentWebhooks>(name, provider =>
            new PaymentWebhooks(provider.GetNamed<PaymentParts>(name), provider.GetRequiredService<ISecretSource>()));
        IHttpClientBuilder client = services.AddHttpClient(ClientOf(name));
        if (isFirst)
        {
            services.AddSingleton<IComponentHealth>(provider => new PaymentHealth(provider.GetNamed<PaymentParts>(name), name));
            // Coach.Payments logs what matters of a request itself; the factory's own four lines a request cost more than the request's text.
            client.RemoveAllLoggers()
                .ConfigureHttpClient(static http => http.Timeout = Timeout.InfiniteTimeSpan)
                .ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
                {
                    // The key must not follow a redirect, and nothing here needs a cookie.
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                });
        }

        return new CoachPaymentsBuilder(services, name, client);
    }

    private static string SectionOf(string name) => name.Length == 0 ? "Coach:Payments" : $"Coach:Payments:{name}";

    private static string ClientOf(string name) => name.Length == 0 ? StripeTransport.ClientName : $"{StripeTransport.ClientName}:{name}";

    private static CoachPaymentsOptions OptionsOf(IServiceProvider provider, string name) =>
        provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(name);

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();

    private static PaymentParts BuildParts(IServiceProvider provider, string name)
    {
        CoachPaymentsOptions options = OptionsOf(provider, name);
        TimeProvider time = TimeOf(provider);
        IPaymentGateway gateway = provider.GetNamed<IPaymentGateway>(name);
        PaymentMetrics metrics = provider.GetRequiredService<PaymentMetrics>();
        ILogger logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Payments") ?? NullLogger.Instance;
        PaymentRandom random = provider.GetRequiredService<PaymentRandom>();
        var availability = new CachedProbe(gateway, options, time, metrics, logger);
        return new PaymentParts
        {
            Store = provider.GetNamed<IIdempotencyStore>(name),
            Gateway = gateway,
            Simulated = provider.GetNamed<SimulatedGateway>(name),
            Availability = availability,
            Steps = new GatewayStepExecutor(gateway, options, time, random.Next, availability, metrics, logger),
            Options = options,
            HostMode = provider.GetRequiredService<IOptions<CoachHostOptions>>().Value.Mode,
            Time = time,
            Metrics = metrics,
            Logger = logger,
        };
    }

    /// <summary>The source of jitter: the container's <see cref="Random"/> where a host or a test registered one, else its own.</summary>
    private sealed class PaymentRandom(Random? random = null)
    {
        private readonly Random _random = random ?? new Random();
        private readonly Lock _gate = new();

        /// <summary>A number from 0 up to, not including, 1.</summary>
        public double Next()
        {
            lock (_gate)
            {
                return _random.NextDouble();
            }
        }
    }
}
