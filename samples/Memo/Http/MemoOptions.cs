using System.Net;

namespace Memo.Http;

/// <summary>What the environment says once, at start.</summary>
internal sealed record MemoOptions(bool AuthEnabled, bool BehindProxy, IReadOnlyList<string> AllowedHosts)
{
    public static MemoOptions Read(IConfiguration configuration)
    {
        string level = configuration["LOG_LEVEL"]?.Trim() ?? "";
        if (level.Length > 0 && !(Enum.TryParse(level, ignoreCase: true, out LogLevel known) && Enum.IsDefined(known)))
        {
            throw new InvalidOperationException(
                $"LOG_LEVEL must be one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
        }

        string[] hosts = (configuration["AllowedHosts"] ?? "")
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return new MemoOptions(
            Flag(configuration, "AUTH_ENABLED"), Flag(configuration, "MEMO_BEHIND_PROXY"),
            [.. hosts.Where(host => host != "*")]);
    }

    /// <summary>The addresses that the host would listen on, from all the ways to name them.</summary>
    public static IEnumerable<string> Addresses(IConfiguration configuration)
    {
        foreach (string url in (configuration["urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return url.Trim();
        }

        foreach (IConfigurationSection endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            yield return endpoint["Url"] ?? "*";
        }

        // Ports alone are every address of the machine; the server leaves them where addresses are named.
        bool isNamed = !string.IsNullOrWhiteSpace(configuration["urls"]);
        foreach (string key in new[] { "http_ports", "https_ports" })
        {
            if (!isNamed && !string.IsNullOrWhiteSpace(configuration[key]))
            {
                yield return "*";
            }
        }
    }

    // What is not understood must not be taken for "no".
    private static bool Flag(IConfiguration configuration, string name) => configuration[name] switch
    {
        null or "" => false,
        { } text when bool.TryParse(text.Trim(), out bool value) => value,
        { } text when string.IsNullOrWhiteSpace(text) => false,
        _ => throw new InvalidOperationException($"{name} must be true or false."),
    };

    /// <summary>Whether an address can be reached from this machine alone.</summary>
    public static bool IsLoopback(string url)
    {
        int begin = url.IndexOf("://", StringComparison.Ordinal);
        string authority = (begin < 0 ? url : url[(begin + 3)..]).Split('/')[0];
        string host = authority.StartsWith('[')
            ? authority[1..Math.Max(1, authority.IndexOf(']', StringComparison.Ordinal))]
            : authority.Split(':')[0];
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
    }
}
