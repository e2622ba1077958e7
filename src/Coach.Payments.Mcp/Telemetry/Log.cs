using Microsoft.Extensions.Logging;

namespace Coach.Payments.Mcp.Telemetry;

/// <summary>Ids 7000 to 7999. No exception is logged here: the MCP library's messages repeat what a server
/// sent.</summary>
internal static partial class Log
{
    [LoggerMessage(7001, LogLevel.Information,
        "Connected to the Stripe MCP server over {Transport}; it offers the {Toolset}")]
    public static partial void Connected(this ILogger logger, string transport, string toolset);

    [LoggerMessage(7002, LogLevel.Warning, "The Stripe MCP server cannot be used ({Kind}): {Reason}")]
    public static partial void ConnectFailed(this ILogger logger, string kind, string reason);

    [LoggerMessage(7003, LogLevel.Warning,
        "The connection to the Stripe MCP server was given up ({Cause}); the next call makes a new one")]
    public static partial void ConnectionLost(this ILogger logger, string cause);

    [LoggerMessage(7004, LogLevel.Debug, "MCP tool {Tool} {Operation}: {Outcome}")]
    public static partial void ToolCalled(this ILogger logger, string tool, string operation, string outcome);

    [LoggerMessage(7005, LogLevel.Warning,
        "The Stripe MCP server wants a person to approve {Operation}; nothing was done. Use a key or a server that "
        + "needs no approval")]
    public static partial void ApprovalNeeded(this ILogger logger, string operation);

    [LoggerMessage(7006, LogLevel.Warning, "The Stripe MCP server says of {Tool}: {Said}")]
    public static partial void ServerSaid(this ILogger logger, string tool, string said);
}
