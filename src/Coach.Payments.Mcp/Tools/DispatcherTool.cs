using System.Text.Json;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp;

/// <summary>A tool that runs any operation of Stripe's API, and which arguments it takes.</summary>
/// <param name="Name">The tool's name.</param>
/// <param name="TakesContext">Whether it takes the account to act for.</param>
/// <param name="TakesLiveMode">Whether it takes live or test.</param>
internal sealed record DispatcherTool(string Name, bool TakesContext, bool TakesLiveMode)
{
    public const string Operation = "stripe_api_operation_id";
    public const string Parameters = "parameters";
    public const string Context = "stripe_context";
    public const string LiveMode = "livemode";

    /// <summary>Reads the tool's schema; null when it does not take what is sent here.</summary>
    public static DispatcherTool? From(Tool tool) =>
        tool.InputSchema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
        && properties.TryGetProperty(Operation, out _) && properties.TryGetProperty(Parameters, out _)
            ? new DispatcherTool(tool.Name, properties.TryGetProperty(Context, out _), properties.TryGetProperty(LiveMode, out _))
            : null;
}
