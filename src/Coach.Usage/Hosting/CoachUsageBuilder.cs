using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coach.Usage;

/// <summary>Goes on with the registration that <c>AddCoachUsage</c> began.</summary>
public sealed class CoachUsageBuilder
{
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
