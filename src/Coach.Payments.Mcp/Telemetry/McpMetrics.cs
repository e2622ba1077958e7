using System.Diagnostics.Metrics;

namespace Coach.Payments.Mcp.Telemetry;

/// <summary>The meter <c>Coach.Payments.Mcp</c>. Attempts by step are counted by Coach.Payments already.</summary>
internal sealed class McpMetrics : IDisposable
{
    public const string MeterName = "Coach.Payments.Mcp";

    private readonly MeterSource _source;
    private readonly Counter<long> _connections;

    public McpMetrics(IMeterFactory? factory = null)
    {
        _source = new MeterSource(MeterName, factory);
        _connections = _source.Meter.CreateCounter<long>("coach.payments.mcp.connections", "{connection}",
            "Connections to the Stripe MCP server by outcome: made, failed or lost.");
    }

    public void Connection(string outcome) =>
        _connections.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Dispose() => _source.Dispose();
}
