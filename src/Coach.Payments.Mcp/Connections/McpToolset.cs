using Coach.Payments.Gateways;

namespace Coach.Payments.Mcp.Connections;

/// <summary>A connection with what its server's tools can do.</summary>
internal abstract class McpToolset(McpConnection connection)
{
    public McpConnection Connection => connection;

    /// <summary>For the log: "named tools" or "dispatcher".</summary>
    public abstract string Name { get; }

    public abstract GatewayCapabilities Capabilities { get; }
}
