using Coach.Llm;
using Coach.Usage;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Usage;

/// <summary>Lends no key without a budget for each caller.</summary>
internal sealed class CoachHostPaidOptionsValidator(IOptions<CoachUsageOptions> usage)
    : IValidateOptions<CoachHostPaidOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachHostPaidOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Providers.Count == 0)
        {
            return ValidateOptionsResult.Success;
        }

        var problems = new List<string>();
        foreach (string provider in options.Providers.Where(provider => !ProviderNames.All.Contains(
            provider, StringComparer.OrdinalIgnoreCase)))
        {
            problems.Add(
                $"Coach:HostPaid:Providers names '{provider}'; it must be one of {string.Join(", ", ProviderNames.All)}.");
        }

        bool hasBudget = usage.Value.Limits.Any(limit =>
            limit.Scope is BudgetScope.User or BudgetScope.Session && limit.Provider is null
            && limit.Period != BudgetPeriod.Request);
        if (!hasBudget)
        {
            problems.Add(
                "Coach:HostPaid:Providers lends a key, and Coach:Usage:Limits has no limit of scope User or Session over a period. Add one: a key without a budget for each caller is everybody's.");
        }

        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
