using System.Text.RegularExpressions;

namespace Coach.AspNetCore;

/// <summary>
/// Masks text that has the shape of a known key or token. A second net under <see cref="Coach.Abstractions.Secret"/>, never the first.
/// </summary>
internal static partial class KeyRedaction
{
    private const string Mask = "***";

    public static string Redact(string text)
    {
        if (!MayHoldKey(text))
        {
            return text;
        }

        try
        {
            return Shapes().Replace(text, "$1$2" + Mask);
        }
        catch (RegexMatchTimeoutException)
        {
            return Mask; // what could not be searched is not shown, and logging must not throw
        }
    }

    // Most lines hold none of these: look for the shapes' fixed beginnings before running the expression.
    private static bool MayHoldKey(string text) =>
        text.Contains("sk", StringComparison.OrdinalIgnoreCase) || text.Contains("AIza", StringComparison.Ordinal)
        || text.Contains("bearer", StringComparison.OrdinalIgnoreCase) || text.Contains("rk_", StringComparison.Ordinal)
        || text.Contains("whsec_", StringComparison.Ordinal) || text.Contains("key=", StringComparison.OrdinalIgnoreCase);

    // Google AIza…; OpenAI, Anthropic, OpenRouter and Cartesia sk-… and sk_…; Stripe sk_/rk_live_ and _test_ and whsec_; bearer tokens; ?key= in URLs.
    [GeneratedRegex(
        @"(?:AIza[0-9A-Za-z_-]{20,}|\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{8,}|\bsk[-_][0-9A-Za-z][0-9A-Za-z_-]{14,}|\bwhsec_[0-9A-Za-z+/=]{8,})"
        + @"|(\bbearer\s+)[0-9A-Za-z._~+/=-]{8,}|([?&](?:api_?)?key=)[^&\s""']{8,}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Shapes();
}
