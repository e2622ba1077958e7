using Microsoft.Extensions.Logging;

namespace Coach.Payments.Mcp.Telemetry;

/// <summary>Where the parts of one gateway report what they do.</summary>
internal sealed record McpTelemetry(McpMetrics Metrics, ILogger Logger);
