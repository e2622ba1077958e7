using System.Net;

namespace Processor;

/// <summary>
/// Keeps pages of other sites away: a name that is neither this machine's nor in <c>AllowedHosts</c> is refused (a page
/// can point its own name at 127.0.0.1), and so is an <c>Origin</c> that is not the host that was called.
/// </summary>
internal static class HostAccess
{
    public static bool IsAllowed(HttpContext context, out int refused)
    {
        string host = context.Request.Host.Host;
        string allowed = context.RequestServices.GetRequiredService<IConfiguration>()["AllowedHosts"] ?? "";
        bool isHere = context.Connection.LocalIpAddress is { } local && IPAddress.IsLoopback(local);
        if (!IsLoopback(host) && !IsListed(host, allowed, isHere))
        {
            refused = StatusCodes.Status421MisdirectedRequest;
            return false;
        }

        string origin = context.Request.Headers.Origin.ToString();
        bool isOwn = origin.Length == 0
            || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && uri.Authority.Equals(context.Request.Host.Value, StringComparison.OrdinalIgnoreCase));
        refused = isOwn ? 0 : StatusCodes.Status403Forbidden;
        return isOwn;
    }

    /// <summary>
    /// Whether the caller may see figures: on <c>Processor:MetricsPort</c>; where none is set, from the machine itself
    /// without a proxy between.
    /// </summary>
    public static bool IsOperator(HttpContext context)
    {
        IConfiguration configuration = context.RequestServices.GetRequiredService<IConfiguration>();
        ConnectionInfo connection = context.Connection;
        return configuration.GetValue<int?>("Processor:MetricsPort") is { } port
            ? connection.LocalPort == port
            : IsLoopback(context.Request.Host.Host)
                && connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
                && !context.Request.Headers.Keys.Any(name =>
                    name.StartsWith("X-Forwarded", StringComparison.OrdinalIgnoreCase)
                    || name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase)
                    || name.Equals("Via", StringComparison.OrdinalIgnoreCase)
                    || name.Equals("X-Real-IP", StringComparison.OrdinalIgnoreCase));
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));

    // "*" is for a host that others reach by name; on loopback it would open every developer's machine to any page.
    private static bool IsListed(string host, string allowed, bool isLoopback) =>
        allowed.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Any(entry =>
            (entry == "*" && !isLoopback)
            || host.Equals(entry, StringComparison.OrdinalIgnoreCase)
            || (entry.StartsWith("*.", StringComparison.Ordinal)
                && host.EndsWith(entry[1..], StringComparison.OrdinalIgnoreCase)));
}
