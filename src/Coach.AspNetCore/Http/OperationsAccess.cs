using System.Net;
using Coach.Observability;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Http;

/// <summary>
/// Who may see the metrics and each health check: callers of the port <c>Coach:Observability:Port</c>; where none is
/// set, callers on this machine that no proxy stands for.
/// </summary>
internal static class OperationsAccess
{
    // A proxy on the same machine makes every visitor look local; these are the traces that it leaves.
    private static readonly string[] Forwarding =
    [
        "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
    ];

    public static bool IsAllowed(HttpContext context)
    {
        ConnectionInfo connection = context.Connection;
        return context.RequestServices.GetRequiredService<IOptions<CoachObservabilityOptions>>().Value.Port is { } port
            ? connection.LocalPort == port
            : IsLoopback(connection.LocalIpAddress)
                && IsLoopback(connection.RemoteIpAddress)
                && !IsForwarded(context.Request.Headers);
    }

    private static bool IsLoopback(IPAddress? address) => address is not null && IPAddress.IsLoopback(address);

    // X-Original-*: what the framework's middleware leaves of headers that it believed.
    private static bool IsForwarded(IHeaderDictionary headers)
    {
        foreach (string name in headers.Keys)
        {
            if (name.StartsWith("X-Forwarded", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase)
                || Forwarding.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Marks an endpoint for probes and scrapers: they ask by address, not by name.</summary>
internal sealed class OperationsMetadata
{
    public static readonly OperationsMetadata Instance = new();
}
