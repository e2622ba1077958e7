using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Coach.AspNetCore.Http;

/// <summary>
/// The names under which the server answers: loopback's, and those of ASP.NET's own key <c>AllowedHosts</c>. Any page
/// can make a browser reach 127.0.0.1 under a name of its own (DNS rebinding); the name is then all that tells it
/// apart.
/// </summary>
internal sealed class HostNames
{
    public const string Key = "AllowedHosts";

    private readonly IList<StringSegment> _listed;
    private readonly bool _isOpen;

    public HostNames(IConfiguration configuration)
    {
        string[] names = (configuration[Key] ?? "").Split(
            [';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        _isOpen = names.Any(name => name is "*" or "[::]" or "0.0.0.0");
        _listed = [.. names.Where(IsName).Select(name => new StringSegment(Bare(name)))];
    }

    /// <summary>Whether the host names any: the framework's own filter would then answer 400 to the others.</summary>
    public bool IsListed => _listed.Count > 0 && !_isOpen;

    public static bool IsLoopback(HostString host) => IsLoopback(host.Host);

    /// <summary>Whether the server answers this request's name.</summary>
    public bool Contains(HttpContext context)
    {
        HostString host = context.Request.Host;
        string name = host.Host;
        if (IsLoopback(name))
        {
            return true;
        }

        // "*" is for a server that others reach by name; on loopback it would open every developer's machine.
        IPAddress? local = context.Connection.LocalIpAddress;
        return (_isOpen && !(local is not null && IPAddress.IsLoopback(local)))
            || (name.Length > 0 && HostString.MatchesAny(name, _listed));
    }

    /// <summary>
    /// Whether the name is the very address that the connection came to, or none at all: probes and scrapers ask so,
    /// and no page can.
    /// </summary>
    public static bool IsOwnAddress(HttpContext context)
    {
        string name = context.Request.Host.Host;
        return name.Length == 0
            || (IPAddress.TryParse(name, out IPAddress? asked)
                && context.Connection.LocalIpAddress is { } local
                && asked.MapToIPv6().Equals(local.MapToIPv6()));
    }

    private static bool IsLoopback(string name) =>
        name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name is "127.0.0.1" or "[::1]";

    private static bool IsName(string name) => name is not ("*" or "[::]" or "0.0.0.0");

    // A port in the list is of no account: the key has none.
    private static string Bare(string name) => new HostString(name).Host;
}
