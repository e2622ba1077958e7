using System.Net;

namespace Memo.Http;

/// <summary>What the environment says once, at start.</summary>
internal sealed record MemoOptions(bool AuthEnabled, IReadOnlyList<string> AllowedHosts)
{
    public static MemoOptions Read(IConfiguration configuration)
    {
        string? auth = configuration["AUTH_ENABLED"];
        if (!string.IsNullOrWhiteSpace(auth) && !bool.TryParse(auth, out _))
        {
            throw new InvalidOperationException("AUTH_ENABLED must be true or false.");
        }

        string[] hosts = (configuration["AllowedHosts"] ?? "")
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return new MemoOptions(bool.TryParse(auth, out bool enabled) && enabled, [.. hosts.Where(host => host != "*")]);
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

        foreach (string key in new[] { "http_ports", "https_ports" })
        {
            if (!string.IsNullOrWhiteSpace(configuration[key]))
            {
                yield return "*";
            }
        }
    }

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
