namespace Coach.Llm;

/// <summary>What can be said about a key without asking anyone. Refuses only what no header can carry or no key can be; never a prefix.</summary>
internal static class KeyFormat
{
    /// <summary>Longer than any provider's key, token or JWT seen so far.</summary>
    public const int MaxLength = 4096;

    /// <summary>The reason to refuse the key, or null. Says nothing of the key's content.</summary>
    public static string? FindProblem(string key)
    {
        if (key.Length > MaxLength)
        {
            return $"This cannot be a key: it is longer than {MaxLength} characters. Copy only the key.";
        }

        if (key.Contains("://", StringComparison.Ordinal))
        {
            return "This is a URL, not a key. Copy the key itself from the provider's page.";
        }

        if (key.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return "The key begins with 'Bearer'. Leave that word out.";
        }

        if (key.Length > 1 && key[0] == key[^1] && key[0] is '"' or '\'' or '`')
        {
            return "The key stands in quotes. Leave them out.";
        }

        foreach (char c in key)
        {
            if (char.IsWhiteSpace(c))
            {
                return "The key has white space in or around it. Copy it again, without spaces or line breaks.";
            }

            if (c is <= ' ' or > '~')
            {
                return "The key holds a character that no key has (not visible ASCII). Copy it again.";
            }
        }

        return null;
    }

    /// <summary>Advice about the key's form. Formats change without notice, so it is never more than advice.</summary>
    public static string? FindHint(string provider, string key)
    {
        string? seen = Owner(key);
        return seen is null || seen == provider || (seen == ProviderNames.OpenAI && provider == ProviderNames.OpenAICompatible)
            ? null
            : seen switch
            {
                "oauth" => "This looks like an OAuth or identity token, which is not an API key.",
                "admin" => "This looks like an admin key; admin keys cannot be used to generate.",
                _ => $"This looks like a key of another provider ({seen}).",
            };
    }

    // The more specific prefix first: "sk-" begins several providers' keys.
    private static string? Owner(string key) =>
        Starts(key, "sk-ant-admin") || Starts(key, "sk-admin-") || Starts(key, "sk_car_admin_") ? "admin"
        : Starts(key, "sk-ant-oat") || Starts(key, "ya29.") || Starts(key, "eyJ") ? "oauth"
        : Starts(key, "sk-ant-") ? ProviderNames.Anthropic
        : Starts(key, "sk-or-") ? ProviderNames.OpenRouter
        : Starts(key, "sk_car_") ? ProviderNames.Cartesia
        : Starts(key, "AIza") || Starts(key, "AQ.") ? ProviderNames.Gemini
        : Starts(key, "sk-proj-") || Starts(key, "sk-svcacct-") ? ProviderNames.OpenAI
        : null;

    private static bool Starts(string key, string prefix) => key.StartsWith(prefix, StringComparison.Ordinal);
}
