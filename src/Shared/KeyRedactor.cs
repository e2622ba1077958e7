using System.Buffers;
using System.Text.RegularExpressions;

namespace Coach;

/// <summary>
/// Masks text that has the shape of a known key or token: a second net under <c>Secret</c>, never the first. Own log
/// lines get the narrow net, which leaves ids and words alone; text that another server wrote gets the wide one, which
/// would rather take too much.
/// </summary>
/// <remarks>
/// Both expressions take linear time without a limit on the clock, which would mask whole texts on a busy machine: what
/// is repeated without an end stands at the end of its shape, where nothing can fail after it, or runs over one word
/// from its beginning; all else has bounds. <see cref="RegexOptions.NonBacktracking"/> would promise the same, but
/// cannot look around.
/// </remarks>
internal static partial class KeyRedactor
{
    public const string Mask = "***";

    // A word begins here, or an escape ends: \n, \u0022 and %20 stand right before a key in text that was encoded once
    // more.
    private const string Start = @"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrtv])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))";

    // Most lines hold none of the shapes' fixed beginnings: look for these before running the expression.
    private static readonly SearchValues<string> Beginnings = SearchValues.Create(
        ["sk-", "sk_", "rk_", "whsec_", "AIza", "AQ.", "bearer", "key=", "api-key"],
        StringComparison.OrdinalIgnoreCase);

    /// <summary>The narrow net.</summary>
    public static string Redact(string text) =>
        text.AsSpan().ContainsAny(Beginnings) ? Shapes().Replace(text, "$1$2$3" + Mask) : text;

    /// <summary>The wide net, and the key that was sent in every form in which a server may send it back.</summary>
    /// <param name="text">What another server wrote.</param>
    /// <param name="key">The key; null when none was sent.</param>
    /// <returns>The text without them; empty for null.</returns>
    public static string RedactForeign(string? text, string? key = null)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        if (!string.IsNullOrEmpty(key))
        {
            text = text.Replace(key, Mask, StringComparison.OrdinalIgnoreCase);
            string escaped = Uri.EscapeDataString(key);
            text = escaped == key ? text : text.Replace(escaped, Mask, StringComparison.OrdinalIgnoreCase);
        }

        return Suspects().Replace(Redact(text), Mask);
    }

    /// <summary>Whether the wide net would take something out.</summary>
    public static bool LooksSecret(string text, string? key = null) =>
        !string.Equals(RedactForeign(text, key), text, StringComparison.Ordinal);

    // Google AIza… and AQ.…; OpenAI, Anthropic, OpenRouter and Cartesia sk-… and sk_…; Stripe sk_/rk_live_ and _test_
    // and whsec_; bearer tokens; ?key= in URLs; api-key headers. Shapes that are no part of any word count wherever
    // they stand.
    [GeneratedRegex(
        @"(?:AIza[0-9A-Za-z_-]{20,}|whsec_[0-9A-Za-z+/=]{8,}|(?:sk|rk)_(?:live|test)_(?=[A-Za-z]{0,40}[0-9])[0-9A-Za-z]{16,}"
        + @"|sk-(?:proj-(?=[A-Za-z_-]{0,40}[0-9])|svcacct-|ant-[A-Za-z]{2,8}[0-9]{2}-|or-v[0-9]-)[0-9A-Za-z_-]{8,}"
        + "|" + Start + @"(?:(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{8,}|sk[-_][0-9A-Za-z][0-9A-Za-z_-]{14,}|AQ\.[0-9A-Za-z_-]{20,}))"
        + @"|(\bbearer(?:\s{1,8}|%20|\+))[0-9A-Za-z._~+/=-]{8,}|([?&](?:api_?)?key=)[^&\s""']{8,}"
        + @"|(\b(?:x-goog-|x-)?api-key[""']?\s{0,4}[:=]\s{0,4}[""'\[]?)[0-9A-Za-z._~+/=-]{8,}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Shapes();

    // Beginnings of keys, also where the server masked the rest; Stripe's keys and client secrets; JWTs; SHA-256 hashes
    // of keys (LiteLLM); what is called a key or token.
    [GeneratedRegex(
        @"\b(?:sk|rk|pk|gsk|xai|ya29)[-_.][A-Za-z0-9*._~-]{4,}"
        + @"|\b(?:AIza|AQ\.|IQ\.)[A-Za-z0-9*_.-]{8,}"
        + @"|\b(?:sk|rk|pk|ek|whsec)_[A-Za-z0-9*_]+|\b(?:seti|pi|cs)_[A-Za-z0-9*_]{0,200}(?:secret|live|test)[A-Za-z0-9*_]*"
        + @"|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}"
        + @"|\b[0-9a-fA-F]{32,}\b"
        + @"|(?<=\b(?:bearer|basic)\s)\S+"
        + @"|(?<=\b(?:api[_-]?key|key|token|received)\s?[:=]\s?['""]?)[^\s'"",}&]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Suspects();
}
