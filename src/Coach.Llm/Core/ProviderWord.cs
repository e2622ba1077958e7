namespace Coach.Llm.Core;

/// <summary>
/// A provider's own code or name of a parameter, as far as it can be shown: servers put whatever they like there, the
/// key they were sent among it.
/// </summary>
internal static class ProviderWord
{
    private const int MaxLength = 64;
    private const int ShortestPart = 4;

    /// <summary>The word; null if it is none, or may hold a secret.</summary>
    public static string? Of(string text, Secret? secret)
    {
        bool isWord = text.Length is > 0 and <= MaxLength
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '[' or ']');
        return isWord && !Holds(text, secret?.Reveal() ?? "") && !KeyRedactor.LooksSecret(text) ? text : null;
    }

    private static bool Holds(string text, string secret) => secret.Length > 0
        && (text.Contains(secret, StringComparison.OrdinalIgnoreCase)
            || (text.Length >= ShortestPart && secret.Contains(text, StringComparison.OrdinalIgnoreCase)));
}
