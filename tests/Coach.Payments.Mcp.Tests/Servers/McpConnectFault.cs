namespace Coach.Payments.Mcp.Tests;

/// <summary>What can go wrong with one connection.</summary>
internal enum McpConnectFault
{
    None,
    Refused,
    Silent,
    Closed,
    NoTools,
    ForeignTools,
}
