using System.Text.RegularExpressions;

namespace Coach.Llm.Telemetry;

/// <summary>
/// Takes keys out of text that came from a server, before it is logged or kept. Coach shows no such text to people; this is for
/// diagnosis behind an option.
/// </summary>
internal static partial class KeyRedactor
{
    private const string Mask = "***";

    // Keys of known form, also masked by the server; bearer tokens; JWTs; SHA-256 hashes of keys (LiteLLM).
    [GeneratedRegex(
        @"\b(?:sk|rk|pk|gsk|xai|AIza|ya29)[-_.]?[A-Za-z0-9*._~-]{4,}"
        + @"|\b(?:AIza|AQ\.|IQ\.)[A-Za-z0-9*_.-]{8,}"
        + @"|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}"
        + @"|\b[0-9a-fA-F]{32,}\b"
        + @"|(?<=\b(?:bearer|basic)\s)\S+"
        + @"|(?<=\b(?:api[_-]?key|key|token|received)\s?[:=]\s?['""]?)[^\s'"",}&]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Keys();

    public static string Redact(string text, Secret? key = null)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        if (key is not null)
        {
            string value = key.Reveal();
            text = text.Replace(value, Mask, StringComparison.OrdinalIgnoreCase);
            string escaped = Uri.EscapeDataString(value);
            if (escaped != value)
            {
                text = text.Replace(escaped, Mask, StringComparison.OrdinalIgnoreCase);
            }
        }

        return Keys().Replace(text, Mask);
    }
}
