namespace Coach.Testing;

/// <summary>Form encoding with bracket names, as Stripe reads it.</summary>
internal static class StripeFormReader
{
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(string text)
    {
        var parameters = new List<KeyValuePair<string, string>>();
        foreach (string pair in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            parameters.Add(equals < 0
                ? new KeyValuePair<string, string>(Decode(pair), "")
                : new KeyValuePair<string, string>(Decode(pair[..equals]), Decode(pair[(equals + 1)..])));
        }

        return parameters;
    }

    /// <summary><c>line_items[0][price_data][currency]</c> becomes <c>line_items[][price_data][currency]</c>; a metadata name becomes <c>metadata[*]</c>.</summary>
    public static string Pattern(string name)
    {
        string[] parts = name.Split('[');
        for (int i = 1; i < parts.Length; i++)
        {
            string part = parts[i].TrimEnd(']');
            parts[i] = parts[i - 1] is "metadata" or "metadata]" ? "*]" : part.Length == 0 || part.All(char.IsAsciiDigit) ? "]" : parts[i];
        }

        return string.Join('[', parts);
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
