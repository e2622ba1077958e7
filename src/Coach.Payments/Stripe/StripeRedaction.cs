using System.Text.RegularExpressions;

namespace Coach.Payments;

/// <summary>What a server sent may repeat a key, a client secret or a card number. None of it travels on.</summary>
internal static partial class StripeRedaction
{
    private const int LongestSentence = 300;
    private const int LongestId = 100;

    /// <summary>A message for people, cut to 300 characters, with the key and everything that looks secret replaced.</summary>
    public static string? Sentence(string? text, string key)
    {
        text = text?.Replace(key, "***", StringComparison.Ordinal);
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        string clean = Secretive().Replace(text.Length > 4 * LongestSentence ? text[..(4 * LongestSentence)] : text, "***");
        clean = CardLike().Replace(clean, "***");
        clean = string.Concat(clean.Select(c => char.IsControl(c) ? ' ' : c));
        return clean.Length > LongestSentence ? clean[..LongestSentence] + "…" : clean;
    }

    /// <summary>A code, parameter or id: kept only if it is short, plain, without the key and does not look secret.</summary>
    public static string? Id(string? text, string key) =>
        text is { Length: > 0 and <= LongestId } && !text.Contains(key, StringComparison.Ordinal) && !text.AsSpan().ContainsAnyExceptInRange('!', '~') && !Secretive().IsMatch(text) && !CardLike().IsMatch(text)
            ? text
            : null;

    [GeneratedRegex(@"\b(sk|rk|pk|ek|whsec|seti|pi|cs)_[A-Za-z0-9*_]*(secret|live|test)[A-Za-z0-9*_]*|\b(sk|rk|pk|ek|whsec)_[A-Za-z0-9*_]+", RegexOptions.CultureInvariant)]
    private static partial Regex Secretive();

    [GeneratedRegex(@"\b\d(?:[ -]?\d){12,18}\b", RegexOptions.CultureInvariant)]
    private static partial Regex CardLike();
}
