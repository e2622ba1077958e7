using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Mcp.Hosting;

internal sealed partial class StripeMcpOptionsValidator : IValidateOptions<StripeMcpOptions>
{
    private const int MostEntries = 64;

    public ValidateOptionsResult Validate(string? name, StripeMcpOptions options)
    {
        OptionsCheck check = new OptionsCheck("Coach:Payments:Mcp", name)
            .InRange(options.InitializationTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5))
            .InRange(options.CallTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5))
            .InRange(options.ReconnectDelay, TimeSpan.Zero, TimeSpan.FromMinutes(1))
            .InRange(options.MaxResultLength, 4096, 16 * 1024 * 1024)
            .InRange(options.MaxPages, 1, 10_000)
            .InRange(options.Arguments.Count, 0, MostEntries)
            .InRange(options.EnvironmentVariables.Count, 0, MostEntries)
            .That(VariableName().IsMatch(options.KeyVariable ?? ""),
                "Coach:Payments:Mcp:KeyVariable must be the name of an environment variable, such as "
                + "'STRIPE_SECRET_KEY'.")
            .That(options.StripeContext is null || Context().IsMatch(options.StripeContext),
                "Coach:Payments:Mcp:StripeContext must be an account id such as 'acct_123', of at most 200 "
                + "letters, digits, '_' and '/'.")
            .That(options.Command is null || !string.IsNullOrWhiteSpace(options.Command),
                "Coach:Payments:Mcp:Command is empty; give a program, or remove it to use Url.")
            .That(options.LinkHosts.Count is >= 1 and <= 20
                    && options.LinkHosts.All(static host => Uri.CheckHostName(host) == UriHostNameType.Dns),
                "Coach:Payments:Mcp:LinkHosts must have 1 to 20 host names, such as 'buy.stripe.com'.")
            .That(!options.Arguments.Any(LooksLikeKey),
                "Coach:Payments:Mcp:Arguments holds a key, which everybody on the machine could read; remove it "
                + "and set STRIPE_API_KEY.")
            .That(
                !options.EnvironmentVariables
                    .Any(static entry => LooksLikeKey(entry.Value) || !VariableName().IsMatch(entry.Key)),
                "Coach:Payments:Mcp:EnvironmentVariables holds a key or something that is no variable's name; "
                + "set STRIPE_API_KEY instead.");
        return (options.Command is null ? check.HttpUrl(options.Url) : check).Result();
    }

    private static bool LooksLikeKey(string? text) => text is not null && KeyLike().IsMatch(text);

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]{0,99}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex VariableName();

    [GeneratedRegex("^[A-Za-z0-9_/]{1,200}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Context();

    [GeneratedRegex(@"(?:sk|rk)_(?:live|test)_|--api-key", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex KeyLike();
}
