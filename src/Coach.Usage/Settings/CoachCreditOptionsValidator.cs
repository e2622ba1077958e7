using Microsoft.Extensions.Options;

namespace Coach.Usage.Settings;

/// <summary>Checks <c>Coach:Credits</c>.</summary>
internal sealed class CoachCreditOptionsValidator : IValidateOptions<CoachCreditOptions>
{
    private const long Most = 1_000_000_000_000;

    public ValidateOptionsResult Validate(string? name, CoachCreditOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new OptionsCheck("Coach:Credits", name)
            .That(
                options.Currency is { Length: 3 } && options.Currency.All(char.IsAsciiLetter),
                "Coach:Credits:Currency has three letters, such as usd.")
            .InRange(options.PricePerTurnMicros ?? 0, 0, Most, "options.PricePerTurnMicros")
            .InRange(options.MarkupPercent, 0, 10_000)
            .InRange(options.FreeAllowanceMicros, 0, Most)
            .InRange(options.LowBalanceMicros, 0, Most)
            .Result();
    }
}
