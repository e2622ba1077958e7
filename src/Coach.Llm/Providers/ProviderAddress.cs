namespace Coach.Llm.Providers;

/// <summary>
/// Joins a configured base address and a path. A base without a version gets the provider's usual one.
/// </summary>
internal static class ProviderAddress
{
    /// <summary>
    /// Gemini and Anthropic: the version is part of the protocol, so it is added unless the base ends in one.
    /// </summary>
    public static Uri Versioned(Uri baseUrl, string version, string path)
    {
        string root = Root(baseUrl);
        return new Uri(EndsInVersion(root) ? $"{root}/{path}" : $"{root}/{version}/{path}");
    }

    /// <summary>
    /// OpenAI's family: the base is taken as it is, except that a bare host gets the usual prefix, and a part of the
    /// prefix the rest.
    /// </summary>
    public static Uri Prefixed(Uri baseUrl, string prefix, string path)
    {
        string root = Root(baseUrl);
        string given = baseUrl.AbsolutePath.Trim('/');
        return new Uri(given switch
        {
            "" => $"{root}/{prefix}/{path}",
            _ when prefix.StartsWith(given + "/", StringComparison.Ordinal) => $"{root}{prefix[given.Length..]}/{path}",
            _ => $"{root}/{path}",
        });
    }

    /// <summary>Cartesia: the version travels in a header.</summary>
    public static Uri Unversioned(Uri baseUrl, string path) => new($"{Root(baseUrl)}/{path}");

    private static string Root(Uri baseUrl) => baseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');

    private static bool EndsInVersion(string root)
    {
        ReadOnlySpan<char> last = root.AsSpan(root.LastIndexOf('/') + 1);
        return last.Length >= 2 && last[0] == 'v' && char.IsAsciiDigit(last[1]);
    }
}
