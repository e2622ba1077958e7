using Coach.Payments;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Payments;

internal sealed class CoachMenuOptionsValidator : IValidateOptions<CoachMenuOptions>
{
    private const int MostItems = 200;

    public ValidateOptionsResult Validate(string? name, CoachMenuOptions options)
    {
        OptionsCheck check = new OptionsCheck("Coach:Menu", name)
            .InRange(options.Items.Count, 0, MostItems, "options.Items.Count")
            .That(Money.TryCreate(0, options.Currency, out _),
                "Coach:Menu:Currency must be a currency that can be charged, such as usd.")
            .That(options.Items.Select(static item => item.Id).Distinct(StringComparer.Ordinal).Count()
                == options.Items.Count, "Coach:Menu:Items must each have an Id of their own.");
        for (int i = 0; i < options.Items.Count; i++)
        {
            CoachMenuItem item = options.Items[i];
            bool isNamed = item.Id is { Length: >= 1 and <= 40 }
                && item.Id.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
                && item.Name is { Length: >= 1 and <= 100 } && !item.Name.Any(char.IsControl);
            check = check
                .That(isNamed, $"Coach:Menu:Items:{i} needs an Id of 1 to 40 lower-case letters, digits and '-', and a Name of "
                    + "1 to 100 characters.")
                .That(item.Price > 0 && Money.TryCreate(item.Price, options.Currency, out _),
                    $"Coach:Menu:Items:{i}:Price is {item.Price}; it must be an amount in {options.Currency} that can be charged, "
                    + "in minor units.");
        }

        return check.Result();
    }
}
