using System.Diagnostics.CodeAnalysis;
using Coach.Payments.Events;
using Coach.Payments.Gateways;
using Coach.Payments.Hosting;
using Coach.Payments.Links;
using Coach.Payments.Simulated;
using Coach.Payments.Stripe;
using Coach.Payments.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Payments;

/// <summary>Chooses the parts of payments: which gateway, which store.</summary>
public sealed class CoachPaymentsBuilder
{
    internal CoachPaymentsBuilder(IServiceCollection services, string name, IHttpClientBuilder httpClient)
    {
        Services = services;
        Name = name;
        HttpClient = httpClient;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The name of this registration; empty for the default one.</summary>
    public string Name { get; }

    /// <summary>The key of its services in the container: the name; null for the default registration, whose services
    /// are plain ones.</summary>
    public object? ServiceKey => Name.Length == 0 ? null : Name;

    /// <summary>
    /// The HTTP client that talks to Stripe. Retries are the service's already: add none here that repeat a POST. The
    /// factory's log of every request is off; <c>AddDefaultLogger()</c> turns it on.
    /// </summary>
    public IHttpClientBuilder HttpClient { get; }

    /// <summary>Makes links by Stripe's REST API. This is the default.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseStripe() =>
        UseGateway(provider => provider.GetRequiredKeyedService<StripeGateway>(ServiceKey));

    /// <summary>Simulates every link; no key is read and no request is sent.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseSimulated() =>
        UseGateway(provider => provider.GetRequiredKeyedService<SimulatedGateway>(ServiceKey));

    /// <summary>Makes links through another gateway.</summary>
    /// <typeparam name="TGateway">The gateway, built by the container once.</typeparam>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseGateway<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TGateway>()
        where TGateway : class, IPaymentGateway =>
        UseGateway(static provider => ActivatorUtilities.CreateInstance<TGateway>(provider));

    /// <summary>Makes links through another gateway.</summary>
    /// <param name="factory">Builds the gateway; called once.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseGateway(Func<IServiceProvider, IPaymentGateway> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Replace(factory);
        return this;
    }

    /// <summary>Keeps operations in another store.</summary>
    /// <typeparam name="TStore">The store, built by the container once.</typeparam>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseStore<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStore>()
        where TStore : class, IIdempotencyStore =>
        UseStore(static provider => ActivatorUtilities.CreateInstance<TStore>(provider));

    /// <summary>Keeps operations in another store.</summary>
    /// <param name="factory">Builds the store; called once.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseStore(Func<IServiceProvider, IIdempotencyStore> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Replace(factory);
        return this;
    }

    /// <summary>Keeps operations in this process's memory, with a live key too: a payment that arrives after a
    /// restart is told as <see cref="PaymentFactKind.Unmatched"/>, and the start warns.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseMemoryStore() => UseStore(provider => new MemoryIdempotencyStore(
        provider.GetRequiredService<TimeProvider>(),
        provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(Name).MaxRecords));

    /// <summary>Keeps operations in a file on this machine: see <see cref="FileIdempotencyStore"/>.</summary>
    /// <param name="path">The journal's path; its folder is made. Tabs lie beside it, in
    /// <c>path.tabs</c>.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseFileStore(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        UseTabStore(provider => CoachPaymentsServiceCollectionExtensions.OpenTabs(
            path, provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(Name)));
        return UseStore(provider => FileIdempotencyStore.Open(
            path, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(Name),
            provider.GetRequiredKeyedService<IPaymentGateway>(ServiceKey).Mode.ToString().ToLowerInvariant()));
    }

    /// <summary>Keeps tabs in another store.</summary>
    /// <param name="factory">Builds the store; called once.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseTabStore(Func<IServiceProvider, ITabStore> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Replace(factory);
        return this;
    }

    /// <summary>Lets the host's code handle payment facts, and delivers them in the background.</summary>
    /// <typeparam name="THandler">The handler, built by the container once for all facts.</typeparam>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder WithEventHandler<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : class, IPaymentEventHandler =>
        WithEventHandler(static provider => ActivatorUtilities.CreateInstance<THandler>(provider));

    /// <summary>Lets the host's code handle payment facts, and delivers them in the background.</summary>
    /// <param name="handle">Handles one fact; see <see cref="IPaymentEventHandler.HandleAsync"/>.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder WithEventHandler(
        Func<IServiceProvider, PaymentFact, CancellationToken, Task> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return WithEventHandler(provider => new DelegateEventHandler(provider, handle));
    }

    /// <summary>Lets the host's code handle payment facts, and delivers them in the background. Several handlers get
    /// each fact in the order they were added; one that fails has it told to all again.</summary>
    /// <param name="factory">Builds the handler; called once.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder WithEventHandler(Func<IServiceProvider, IPaymentEventHandler> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        object? key = ServiceKey;
        Services.AddKeyedSingleton(key, (provider, _) => factory(provider));
        if (Services.Any(service => service.ServiceType == typeof(PaymentDelivery) && Equals(service.ServiceKey, key)))
        {
            return this;
        }

        string name = Name;
        Services.AddKeyedSingleton(key, (provider, key) => new PaymentDelivery(
            provider.GetRequiredKeyedService<IPaymentEvents>(key),
            [.. provider.GetKeyedServices<IPaymentEventHandler>(key)],
            provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(name),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<PaymentTelemetry>()));
        Services.AddSingleton<IHostedService>(provider => new PaymentDeliveryService(
            provider.GetRequiredKeyedService<PaymentDelivery>(key),
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredKeyedService<PaymentOutboxSignal>(key),
            provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(name),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<PaymentTelemetry>()));
        return this;
    }

    /// <summary>Settles operations of unknown outcome in the background
    /// (<see cref="CoachPaymentsOptions.ReconcileInterval"/>) and forgets what is older than
    /// <see cref="CoachPaymentsOptions.Retention"/>.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder WithReconciliation()
    {
        object? key = ServiceKey;
        bool isRegistered = Services.Any(
            service => service.ServiceType == typeof(ReconciliationService) && Equals(service.ServiceKey, key));
        if (isRegistered)
        {
            return this;
        }

        string name = Name;
        Services.AddKeyedSingleton(key, (provider, key) => new ReconciliationService(
            provider.GetRequiredKeyedService<IPaymentLinks>(key),
            provider.GetRequiredKeyedService<PaymentRecordRepository>(key),
            provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(name),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<PaymentTelemetry>()));
        Services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<ReconciliationService>(key));
        return this;
    }

    private sealed class DelegateEventHandler(
        IServiceProvider provider, Func<IServiceProvider, PaymentFact, CancellationToken, Task> handle)
        : IPaymentEventHandler
    {
        public async Task HandleAsync(PaymentFact fact, CancellationToken cancellationToken = default)
        {
            AsyncServiceScope scope = provider.CreateAsyncScope();
            await using (scope.ConfigureAwait(false))
            {
                await handle(scope.ServiceProvider, fact, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private void Replace<T>(Func<IServiceProvider, T> factory)
        where T : class
    {
        Services.RemoveAllKeyed<T>(ServiceKey);
        Services.AddKeyedSingleton(ServiceKey, (provider, _) => factory(provider));
    }
}
