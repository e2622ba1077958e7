using System.Text.RegularExpressions;

namespace Coach.Payments.Gateways;

/// <summary>
/// Makes what a payment provider's server sent fit for a <see cref="GatewayFailure"/>: an answer may repeat a key, a
/// client secret or a card number, and messages travel.
/// </summary>
public static partial class GatewayRedaction
{
    private const int LongestSentence = 300;
    private const int LongestIdentifier = 100;

    /// <summary>A message for people, with the key, everything that looks secret and card-like numbers
    /// masked.</summary>
    /// <param name="text">What the server sent.</param>
    /// <param name="key">The key the request carried.</param>
    /// <returns>At most 300 characters without control characters; null when there is no text.</returns>
    public static string? Sentence(string? text, string key)
    {
        text = text?.Replace(key, KeyRedactor.Mask, StringComparison.Ordinal);
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        string clean =
            KeyRedactor.RedactForeign(text.Length > 4 * LongestSentence ? text[..(4 * LongestSentence)] : text);
        clean = CardLike().Replace(clean, KeyRedactor.Mask);
        clean = string.Concat(clean.Select(static c => char.IsControl(c) ? ' ' : c));
        return clean.Length > LongestSentence ? clean[..LongestSentence] + "…" : clean;
    }

    /// <summary>A code, parameter or id, kept only if it is plain, without the key, and does not look secret.</summary>
    /// <param name="text">What the server sent.</param>
    /// <param name="key">The key the request carried.</param>
    /// <returns>The text of at most 100 printable characters; null for any other.</returns>
    public static string? Identifier(string? text, string key)
    {
        bool isPlain = text is { Length: > 0 and <= LongestIdentifier }
            && !text.AsSpan().ContainsAnyExceptInRange('!', '~');
        return isPlain && !KeyRedactor.LooksSecret(text!, key) && !CardLike().IsMatch(text!) ? text : null;
    }

    [GeneratedRegex(@"\b\d(?:[ -]?\d){12,18}\b", RegexOptions.CultureInvariant)]
    private static partial Regex CardLike();
}
