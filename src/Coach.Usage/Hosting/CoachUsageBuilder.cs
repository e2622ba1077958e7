using Coach.Usage.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Coach.Usage;

/// <summary>Goes on with the registration that <c>AddCoachUsage</c> began.</summary>
public sealed class CoachUsageBuilder
{
    /// <summary>The key of the service that is the budget store that lasts and that replicas share.</summary>
    public const string DurableBudgets = "coach.budgets.durable";

    internal CoachUsageBuilder(IServiceCollection services) => Services = services;

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Keeps the ledger elsewhere than in this process's memory.</summary>
    /// <param name="create">Makes the ledger.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachUsageBuilder UseLedger(Func<IServiceProvider, IUsageLedger> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.Replace(ServiceDescriptor.Singleton(create));
        return this;
    }

    /// <summary>Keeps budgets elsewhere than in this process's memory.</summary>
    /// <param name="create">Makes the store.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachUsageBuilder UseBudgetStore(Func<IServiceProvider, IBudgetStore> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.Replace(ServiceDescriptor.Singleton(create));
        return this;
    }

    /// <summary>
    /// Keeps budgets in a store that lasts and that all replicas share. Where a faster store is shared too, such as
    /// Redis, that one decides and is a cache of this one; else this one decides itself.
    /// </summary>
    /// <param name="create">Makes the store.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachUsageBuilder UseDurableBudgetStore(Func<IServiceProvider, IBudgetStore> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.RemoveAllKeyed<IBudgetStore>(DurableBudgets);
        Services.AddKeyedSingleton<IBudgetStore>(DurableBudgets, (provider, _) => create(provider));
        return Services.Any(static service => service.ServiceType == typeof(BudgetCacheMark))
            ? this
            : UseBudgetStore(static provider => provider.GetRequiredKeyedService<IBudgetStore>(DurableBudgets));
    }

    /// <summary>
    /// Lets a store that replicas share and that may forget decide on budgets, as a cache of the one that lasts
    /// (<see cref="UseDurableBudgetStore"/>). A host that has limits and no store that lasts does not start; one that
    /// has no limits keeps the store of its process.
    /// </summary>
    /// <param name="create">Makes the cache of the store that it is given.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachUsageBuilder UseBudgetCache(Func<IServiceProvider, IBudgetStore, IBudgetStore> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.TryAddSingleton<BudgetCacheMark>();
        Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachUsageOptions>, BudgetCacheMark.Check>());
        return UseBudgetStore(provider => provider.GetKeyedService<IBudgetStore>(DurableBudgets) is { } durable
            ? create(provider, durable)
            : new MemoryBudgetStore(provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Keeps the audit log elsewhere than in this process's memory.</summary>
    /// <param name="create">Makes the log.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachUsageBuilder UseAuditLog(Func<IServiceProvider, IAuditLog> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.Replace(ServiceDescriptor.Singleton(create));
        return this;
    }

    /// <summary>Takes prices from somewhere else than the price file.</summary>
    /// <param name="create">Makes the source.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachUsageBuilder UsePrices(Func<IServiceProvider, IPriceSource> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.Replace(ServiceDescriptor.Singleton(create));
        return this;
    }
}
