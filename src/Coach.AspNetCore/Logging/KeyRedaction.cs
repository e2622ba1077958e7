using System.Text.RegularExpressions;

namespace Coach.AspNetCore.Logging;

/// <summary>
/// Masks text that has the shape of a known key or token. A second net under <see cref="Coach.Abstractions.Secret"/>,
/// never the first.
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
            return Shapes().Replace(text, "$1$2$3" + Mask);
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
        || text.Contains("whsec_", StringComparison.Ordinal)
        || text.Contains("key=", StringComparison.OrdinalIgnoreCase)
        || text.Contains("AQ.", StringComparison.Ordinal)
        || text.Contains("api-key", StringComparison.OrdinalIgnoreCase);

    // A word begins here, or an escape ends: \n, \u0022 and %20 stand right before a key in text that was encoded once
    // more.
    private const string Start = @"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrtv])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))";

    // Google AIza… and AQ.…; OpenAI, Anthropic, OpenRouter and Cartesia sk-… and sk_…; Stripe sk_/rk_live_ and _test_
    // and whsec_; bearer tokens; ?key= in URLs; api-key headers. Shapes that are no part of any word count wherever
    // they stand.
    [GeneratedRegex(
        @"(?:AIza[0-9A-Za-z_-]{20,}|whsec_[0-9A-Za-z+/=]{8,}|(?:sk|rk)_(?:live|test)_(?=[A-Za-z]{0,40}[0-9])[0-9A-Za-z]{16,}"
        + @"|sk-(?:proj-(?=[A-Za-z_-]{0,40}[0-9])|svcacct-|ant-[A-Za-z]{2,8}[0-9]{2}-|or-v[0-9]-)[0-9A-Za-z_-]{8,}"
        + "|" + Start
        + @"(?:(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{8,}|sk[-_][0-9A-Za-z][0-9A-Za-z_-]{14,}|AQ\.[0-9A-Za-z_-]{20,}))"
        + @"|(\bbearer(?:\s{1,8}|%20|\+))[0-9A-Za-z._~+/=-]{8,}|([?&](?:api_?)?key=)[^&\s""']{8,}"
        + @"|(\b(?:x-goog-|x-)?api-key[""']?\s{0,4}[:=]\s{0,4}[""'\[]?)[0-9A-Za-z._~+/=-]{8,}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Shapes();
}
