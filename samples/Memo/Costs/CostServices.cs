using Coach.Postgres;
using Coach.Usage;
using Memo.Configuration;
using Memo.Data;
using Microsoft.Extensions.Options;

namespace Memo.Costs;

/// <summary>Ledger, budgets and prices, in the database that keeps the jobs.</summary>
internal static class CostServices
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Registers them. They need <see cref="SettingsStore"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">What names the database and the price file.</param>
    /// <param name="file">The SQLite file where no PostgreSQL is named.</param>
    public static IServiceCollection AddCosts(this IServiceCollection services, IConfiguration configuration, string file)
    {
        CoachUsageBuilder usage = services.AddCoachUsage()
            .UsePrices(provider => new ModelRates(
                provider.GetRequiredService<SettingsStore>(), configuration["Coach:Usage:PriceFile"],
                provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<FilePriceSource>>()));
        services.AddSingleton<CostLimits>();
        services.AddSingleton<IConfigureOptions<CoachUsageOptions>>(Limits);
        services.AddSingleton<IOptionsChangeTokenSource<CoachUsageOptions>>(Limits);
        services.AddSingleton<JobBudget>();
        if (MemoHost.PostgresOf(configuration) is { } connection)
        {
            usage.UsePostgres(options => options.ConnectionString = PostgresDatabase.ConnectionStringOf(connection));
        }
        else
        {
            services.AddCoachSqlite(file, options => (options.IsShared, options.BusyTimeout) = (true, Patience));
        }

        return services;
    }

    private static CostLimits Limits(IServiceProvider provider) => provider.GetRequiredService<CostLimits>();
}
