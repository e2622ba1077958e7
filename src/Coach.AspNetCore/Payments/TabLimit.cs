using Coach.Abstractions;
using Coach.Payments;
using Coach.Usage;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Payments;

/// <summary>What a guest's tab may come to: his balance of credits, where the host asks for that.</summary>
internal sealed class TabLimit(ICredits credits, IOptions<CoachMenuOptions> menu)
{
    /// <summary>What is said of a line that is too much.</summary>
    public const string Refusal =
        "The tab would come to more than the balance of credits. Pay it, or buy credits, and try again.";

    /// <summary>The most in minor units; <see cref="long.MaxValue"/> where there is no limit.</summary>
    public async ValueTask<long> OfAsync(CallerContext caller, CancellationToken cancellationToken)
    {
        if (!menu.Value.LimitToCredits)
        {
            return long.MaxValue;
        }

        CreditBalance balance = await credits
            .GetBalanceAsync(LedgerAccount.Credits(caller), cancellationToken).ConfigureAwait(false);
        long minorPerUnit = Money.Parse("1", menu.Value.Currency).MinorUnits;
        Int128 minor = (Int128)balance.Available.Micros * minorPerUnit / MicroAmount.PerUnit;
        return (long)Int128.Clamp(minor, 0, long.MaxValue);
    }

    /// <summary>A limit in another currency than the prices' fails the start.</summary>
    internal sealed class Check(IOptions<CoachCreditOptions> options) : IValidateOptions<CoachMenuOptions>
    {
        public ValidateOptionsResult Validate(string? name, CoachMenuOptions menu)
        {
            ArgumentNullException.ThrowIfNull(menu);
            return !menu.LimitToCredits
                || string.Equals(menu.Currency, options.Value.Currency, StringComparison.OrdinalIgnoreCase)
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail(
                    $"Coach:Menu:LimitToCredits needs one currency: Coach:Menu:Currency is {menu.Currency}, "
                    + $"Coach:Credits:Currency is {options.Value.Currency}.");
        }
    }
}
