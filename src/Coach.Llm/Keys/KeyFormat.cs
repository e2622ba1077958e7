using Coach.Llm.Providers;

namespace Coach.Llm.Keys;

/// <summary>
/// What can be said about a key without asking anyone. Refuses only what no header can carry or no key can be; never a
/// prefix.
/// </summary>
internal static class KeyFormat
{
    /// <summary>Longer than any provider's key, token or JWT seen so far.</summary>
    public const int MaxLength = 4096;

    private const string JwtPrefix = "eyJ";

    // Of services that are reached as an OpenAI-compatible server, by their documentation pages of 2026.
    private static readonly (string Prefix, string Service)[] OtherServices =
    [
        ("gsk_", "groq"), ("pplx-", "perplexity"), ("nvapi-", "nvidia"), ("hf_", "hugging face"), ("xai-", "xai"),
        ("tgp_v1_", "together"), ("fw_", "fireworks"), ("csk-", "cerebras"), ("r8_", "replicate"), ("ghp_", "github"),
        ("github_pat_", "github"),
    ];

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
    public static string? FindHint(ProviderCatalog providers, string provider, string key)
    {
        if (providers.All.Any(other => StartsWith(key, other.AdminKeyPrefixes)))
        {
            return "This looks like an admin key; admin keys cannot be used to generate.";
        }

        if (StartsWith(key, [JwtPrefix]) || providers.All.Any(other => StartsWith(key, other.TokenPrefixes)))
        {
            return "This looks like an OAuth or identity token, which is not an API key.";
        }

        string? owner = providers.All.FirstOrDefault(other => StartsWith(key, other.KeyPrefixes))?.Name;
        bool isOwn = owner is null || (providers.Find(provider)?.TakesKeysOf(owner) ?? owner == provider);
        return isOwn ? OfOtherService(provider, key) : $"This looks like a key of another provider ({owner}).";
    }

    private static string? OfOtherService(string provider, string key)
    {
        string? service = Array.Find(
            OtherServices, other => key.StartsWith(other.Prefix, StringComparison.Ordinal)).Service;
        return service is null || !ProviderNames.All.Contains(provider) || provider == ProviderNames.OpenAICompatible
            ? null
            : $"This looks like a key of another provider ({service}), which is used as an OpenAI-compatible server.";
    }

    private static bool StartsWith(string key, IReadOnlyList<string> prefixes) =>
        prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
