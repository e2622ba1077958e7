using System.Globalization;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Settings;

/// <summary>Checks <c>Coach:Usage</c>.</summary>
internal sealed class CoachUsageOptionsValidator : IValidateOptions<CoachUsageOptions>
{
    private const int MostLimits = 16;
    private const int MostRetentionDays = 3_650;

    public ValidateOptionsResult Validate(string? name, CoachUsageOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsCheck check = new OptionsCheck("Coach:Usage", name)
            .That(
                options.Currency is { Length: 3 } && options.Currency.All(char.IsAsciiLetter),
                "Coach:Usage:Currency has three letters, such as usd.")
            .That(Enum.IsDefined(options.UnknownPrice), "Coach:Usage:UnknownPrice is Refuse, CountTokens or Ceiling.")
            .InRange(options.ReservedOutputTokens, 1, 1_000_000)
            .InRange(options.Lease, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .That(
                options.LedgerRetention is not { } kept
                    || (kept >= TimeSpan.FromDays(1) && kept <= TimeSpan.FromDays(MostRetentionDays)),
                $"Coach:Usage:LedgerRetention is 1 to {MostRetentionDays} days, such as 400.00:00:00.")
            .That(
                Enum.IsDefined(options.OnStoreFailure),
                "Coach:Usage:OnStoreFailure is FailClosed, FailOpen or FallBackToProcess.")
            .That(
                options.Limits.Count <= MostLimits,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Coach:Usage:Limits has {options.Limits.Count} limits; it may have at most {MostLimits}."));
        for (int i = 0; i < options.Limits.Count; i++)
        {
            Check(check, options.Limits, i);
        }

        return check.Result();
    }

    private static void Check(OptionsCheck check, IList<BudgetLimit> limits, int index)
    {
        BudgetLimit limit = limits[index];
        string key = string.Create(CultureInfo.InvariantCulture, $"Coach:Usage:Limits:{index}");
        bool isName = limit.Name is { Length: >= 1 and <= 40 }
            && limit.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-');
        check
            .That(isName, $"{key}:Name has 1 to 40 characters from a-z, 0-9, '_' and '-'.")
            .That(
                limits.Take(index).All(other => other.Name != limit.Name),
                $"{key}:Name is that of another limit; give each its own.")
            .That(
                limit.Max is >= 0 and <= 1_000_000_000_000_000,
                $"{key}:Max is {limit.Max}; it must be between 0 and 1000000000000000.")
            .That(
                Enum.IsDefined(limit.Scope) && Enum.IsDefined(limit.Period) && Enum.IsDefined(limit.Unit),
                $"{key} has an unknown Scope, Period or Unit.");
    }
}
