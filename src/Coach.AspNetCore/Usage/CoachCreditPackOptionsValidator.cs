using System.Globalization;
using Coach.Abstractions;
using Coach.Payments;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Usage;

/// <summary>Checks the packs of <c>Coach:Credits</c>.</summary>
internal sealed class CoachCreditPackOptionsValidator(
    IOptions<CoachCreditOptions> credits, IServiceProviderIsKeyedService services)
    : IValidateOptions<CoachCreditPackOptions>
{
    private const int MostPacks = 20;

    public ValidateOptionsResult Validate(string? name, CoachCreditPackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var problems = new List<string>();
        if (options.Packs.Count > MostPacks)
        {
            problems.Add($"Coach:Credits:Packs has {options.Packs.Count} packs; it may have at most {MostPacks}.");
        }

        for (int i = 0; i < options.Packs.Count; i++)
        {
            CreditPack pack = options.Packs[i];
            string key = string.Create(CultureInfo.InvariantCulture, $"Coach:Credits:Packs:{i}");
            bool isId = pack.Id is { Length: >= 1 and <= 30 }
                && pack.Id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
            if (!isId || options.Packs.Take(i).Any(other => other.Id == pack.Id))
            {
                problems.Add($"{key}:Id has 1 to 30 characters from a-z, 0-9 and '-', and is no other pack's.");
            }

            if (pack.Title is not { Length: >= 1 and <= 200 })
            {
                problems.Add($"{key}:Title has 1 to 200 characters.");
            }

            if (pack.CreditMicros is < 1 or > 1_000_000_000_000)
            {
                problems.Add($"{key}:CreditMicros is {pack.CreditMicros}; it must be between 1 and 1000000000000.");
            }

            if (!Money.TryCreate(pack.PriceMinorUnits, credits.Value.Currency, out Money price) || price.IsZero)
            {
                problems.Add(
                    $"{key}:PriceMinorUnits is {pack.PriceMinorUnits}; it must be an amount that can be charged in {credits.Value.Currency}.");
            }
        }

        if (services.IsService(typeof(ISessionEndEvents))
            && !services.IsKeyedService(typeof(IBudgetStore), CoachUsageBuilder.DurableBudgets))
        {
            problems.Add(
                "Credits are on sale, and replicas share sessions but no ledger; set ConnectionStrings:Coach (AddCoachPostgres), which keeps balances for all of them.");
        }

        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
