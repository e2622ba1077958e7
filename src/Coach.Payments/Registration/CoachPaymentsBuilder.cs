using Microsoft.Extensions.DependencyInjection;
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

    /// <summary>The name of this registration, and the key of its services; empty for the default one, whose services have none.</summary>
    public string Name { get; }

    /// <summary>
    /// The HTTP client that talks to Stripe. Retries are the service's already: add none here that repeat a POST. The factory's log of
    /// every request is off; <c>AddDefaultLogger()</c> turns it on.
    /// </summary>
    public IHttpClientBuilder HttpClient { get; }

    /// <summary>Makes links by Stripe's REST API. This is the default.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseStripe()
    {
        Services.ReplaceNamed<IPaymentGateway>(Name, provider => provider.GetNamed<StripeGateway>(Name));
        return this;
    }

    /// <summary>Simulates every link; no key is read and no request is sent.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseSimulated()
    {
        Services.ReplaceNamed<IPaymentGateway>(Name, provider => provider.GetNamed<SimulatedGateway>(Name));
        return this;
    }

    /// <summary>Makes links through another gateway.</summary>
    /// <typeparam name="TGateway">The gateway, built by the container once.</typeparam>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseGateway<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(
        System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] TGateway>()
        where TGateway : class, IPaymentGateway
    {
        Services.ReplaceNamed<IPaymentGateway>(Name, static provider => ActivatorUtilities.CreateInstance<TGateway>(provider));
        return this;
    }

    /// <summary>Makes links through another gateway.</summary>
    /// <param name="factory">Builds the gateway; called once.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseGateway(Func<IServiceProvider, IPaymentGateway> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.ReplaceNamed(Name, factory);
        return this;
    }

    /// <summary>Keeps operations in another store.</summary>
    /// <typeparam name="TStore">The store, built by the container once.</typeparam>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseStore<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(
        System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] TStore>()
        where TStore : class, IIdempotencyStore
    {
        Services.ReplaceNamed<IIdempotencyStore>(Name, static provider => ActivatorUtilities.CreateInstance<TStore>(provider));
        return this;
    }

    /// <summary>Keeps operations in another store.</summary>
    /// <param name="factory">Builds the store; called once.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseStore(Func<IServiceProvider, IIdempotencyStore> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.ReplaceNamed(Name, factory);
        return this;
    }

    /// <summary>Keeps operations in a file on this machine: see <see cref="FileIdempotencyStore"/>.</summary>
    /// <param name="path">The journal's path; its folder must exist when the store is first used.</param>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder UseFileStore(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return UseStore(provider => new FileIdempotencyStore(
            path,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(Name).MaxRecords));
    }

    /// <summary>Settles operations of unknown outcome in the background (<see cref="CoachPaymentsOptions.ReconcileInterval"/>) and forgets
    /// what is older than <see cref="CoachPaymentsOptions.Retention"/>.</summary>
    /// <returns>This builder.</returns>
    public CoachPaymentsBuilder WithReconciliation()
    {
        if (!Services.HasNamed<ReconciliationService>(Name))
        {
            Services.TryAddNamed(Name, provider => new ReconciliationService(provider.GetNamed<IPaymentLinks>(Name), provider.GetNamed<PaymentParts>(Name)));
            Services.AddSingleton<IHostedService>(provider => provider.GetNamed<ReconciliationService>(Name));
        }

        return this;
    }
}
