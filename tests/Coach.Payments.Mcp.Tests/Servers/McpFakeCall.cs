using System.Text.Json.Nodes;

namespace Coach.Payments.Mcp.Tests;

/// <summary>One tool call that reached the fake.</summary>
internal sealed record McpFakeCall(string Tool, JsonObject Arguments)
{
    /// <summary>The operation, or the tool's name in the generation of named tools.</summary>
    public string Operation => Arguments["stripe_api_operation_id"]?.GetValue<string>() ?? Tool;

    public JsonObject Parameters => Arguments["parameters"]?.AsObject() ?? Arguments;
}
