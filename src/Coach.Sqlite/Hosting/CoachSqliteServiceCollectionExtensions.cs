using Coach.Abstractions;
using Coach.Llm;
using Coach.Payments;
using Coach.Sqlite;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps what a machine keeps in one SQLite file.</summary>
public static class CoachSqliteServiceCollectionExtensions
{
    /// <summary>
    /// Registers the file, and over it the ledger, budgets, the audit log, tabs, jobs and chat history, in place of
    /// those that are registered already. Call it after the packages that bring the ones in memory. Records of payment
    /// links stay where Coach.Payments keeps them.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="configure">Changes the bounds.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or blank.</exception>
    public static IServiceCollection AddCoachSqlite(
        this IServiceCollection services, string path, Action<CoachSqliteOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        services.TryAddSingleton(TimeProvider.System);
        services.AddCoachSecrets(static options => options.Manifest.Optional(LedgerSigningKey.SecretName));
        services.TryAddSingleton(
            static provider => new LedgerSigningKey(provider.GetRequiredService<ISecretSource>()));
        services.Replace(ServiceDescriptor.Singleton(_ =>
        {
            var options = new CoachSqliteOptions { Path = path };
            configure?.Invoke(options);
            return new SqliteDatabase(options);
        }));
        services.Replace(ServiceDescriptor.Singleton<IUsageLedger>(static provider => new SqliteUsageLedger(
            Database(provider), Time(provider), provider.GetRequiredService<LedgerSigningKey>().Bytes)));
        services.Replace(ServiceDescriptor.Singleton<IBudgetStore>(
            static provider => new SqliteBudgetStore(Database(provider), Time(provider))));
        services.Replace(ServiceDescriptor.Singleton<IAuditLog>(
            static provider => new SqliteAuditLog(Database(provider), Time(provider))));
        services.Replace(ServiceDescriptor.Singleton<ITabStore>(
            static provider => new SqliteTabStore(Database(provider))));
        services.Replace(ServiceDescriptor.Singleton<IJobStore>(
            static provider => new SqliteJobStore(Database(provider), Time(provider))));
        services.Replace(ServiceDescriptor.Singleton<IChatHistoryStore>(
            static provider => new SqliteChatHistoryStore(Database(provider), Time(provider))));
        return services;
    }

    private static SqliteDatabase Database(IServiceProvider provider) => provider.GetRequiredService<SqliteDatabase>();

    private static TimeProvider Time(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();
}
