using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Hosting;

/// <summary>Says that budgets are decided by a store that replicas share and that may forget.</summary>
internal sealed class BudgetCacheMark
{
    /// <summary>Limits that a restart of the cache would forget fail the start.</summary>
    internal sealed class Check(IServiceProvider services) : IValidateOptions<CoachUsageOptions>
    {
        public ValidateOptionsResult Validate(string? name, CoachUsageOptions options)
        {
            ArgumentNullException.ThrowIfNull(options);
            bool isDurable = services.GetRequiredService<IServiceProviderIsKeyedService>()
                .IsKeyedService(typeof(IBudgetStore), CoachUsageBuilder.DurableBudgets);
            return options.Limits.Count == 0 || isDurable
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail(
                    "Coach:Usage:Limits are shared by replicas in a store that may forget them, and no store that lasts stands behind it; set ConnectionStrings:Coach (AddCoachPostgres), or remove the limits.");
        }
    }
}
