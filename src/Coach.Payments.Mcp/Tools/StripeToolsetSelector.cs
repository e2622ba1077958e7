using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp;

/// <summary>Chooses the generation by the tools that the server lists, never by its name or version.</summary>
internal static class StripeToolsetSelector
{
    private const string ListAccounts = "list_available_accounts_or_orgs";

    public static async Task<GatewayResult<StripeToolset>> ChooseAsync(
        McpConnection connection, IReadOnlyList<Tool> tools, StripeMcpOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        Tool? any = Find(tools, "stripe_api_execute");
        if ((Find(tools, "stripe_api_read") ?? any) is { } read && (Find(tools, "stripe_api_write") ?? any) is { } write)
        {
            if (GenericApiTool.From(read) is not { } reader || GenericApiTool.From(write) is not { } writer)
            {
                return TransportFailures.Unsupported("its dispatcher takes other arguments than are known here");
            }

            string? context = options.StripeContext;
            if (Find(tools, ListAccounts) is not null)
            {
                GatewayResult<string?> account = await AccountAsync(connection, options, cancellationToken).ConfigureAwait(false);
                if (account.Failure is { } failure)
                {
                    return failure;
                }

                context = account.Value;
            }

            return context is not null && !(reader.TakesContext && writer.TakesContext) && options.StripeContext is not null
                ? NoContext()
                : new GenericApiToolset(connection, reader, writer, context, options.MaxPages, time);
        }

        if (NamedToolset.Required.All(name => Find(tools, name) is not null))
        {
            return options.StripeContext is not null ? NoContext() : new NamedToolset(connection, [.. tools.Select(static tool => tool.Name)], time);
        }

        return TransportFailures.Unsupported("it offers neither create_product, create_price and create_payment_link nor stripe_api_read and stripe_api_write");
    }

    private static async Task<GatewayResult<string?>> AccountAsync(McpConnection connection, StripeMcpOptions options, CancellationToken cancellationToken)
    {
        GatewayResult<JsonElement> listed = await connection.CallAsync(ListAccounts, "accounts", [], cancellationToken).ConfigureAwait(false);
        if (listed.Failure is { } failure)
        {
            // Nothing was done yet, whatever the answer was.
            return failure.IsOutcomeUnknown ? failure with { Kind = GatewayFailureKind.Unreachable } : failure;
        }

        if (listed.Value.ValueKind != JsonValueKind.Object || !listed.Value.TryGetProperty("accounts", out JsonElement accounts) || accounts.ValueKind != JsonValueKind.Array)
        {
            return new GatewayFailure(GatewayFailureKind.Unreachable, "The Stripe MCP server did not list its accounts.") { IsRetryable = true };
        }

        bool live = connection.Key.IsLive;
        string?[] usable = [.. accounts.EnumerateArray().Where(account => account.ValueKind == JsonValueKind.Object && (account.Flag("livemode") ?? live) == live)
            .Select(static account => account.Text("stripe_context")).Distinct()];
        if (options.StripeContext is { } wanted)
        {
            return usable.Contains(wanted) ? wanted : new GatewayFailure(GatewayFailureKind.NotSupported,
                $"The Stripe MCP server does not list Coach:Payments:Mcp:StripeContext among its {(live ? "live" : "test")} accounts. Correct it, or use another key.");
        }

        return usable switch
        {
            [var only] => new GatewayResult<string?>(only),
            [] => new GatewayFailure(GatewayFailureKind.NotSupported, $"The Stripe MCP server lists no {(live ? "live" : "test")} account for this key."),
            _ => new GatewayFailure(GatewayFailureKind.NotSupported, "The Stripe MCP server lists several accounts. Name one in Coach:Payments:Mcp:StripeContext."),
        };
    }

    private static GatewayFailure NoContext() => new(GatewayFailureKind.NotSupported,
        "The tools of this Stripe MCP server take no account. Remove Coach:Payments:Mcp:StripeContext; a server of named tools takes --stripe-account=acct_… among its arguments.");

    private static Tool? Find(IReadOnlyList<Tool> tools, string name) => tools.FirstOrDefault(tool => tool.Name == name);
}

/// <summary>A tool that runs any operation of Stripe's API, and which arguments it takes.</summary>
/// <param name="Name">The tool's name.</param>
/// <param name="TakesContext">Whether it takes the account to act for.</param>
/// <param name="TakesLiveMode">Whether it takes live or test.</param>
internal sealed record GenericApiTool(string Name, bool TakesContext, bool TakesLiveMode)
{
    public const string Operation = "stripe_api_operation_id";
    public const string Parameters = "parameters";
    public const string Context = "stripe_context";
    public const string LiveMode = "livemode";

    /// <summary>Reads the tool's schema; null when it does not take what is sent here.</summary>
    public static GenericApiTool? From(Tool tool) =>
        tool.InputSchema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
        && properties.TryGetProperty(Operation, out _) && properties.TryGetProperty(Parameters, out _)
            ? new GenericApiTool(tool.Name, properties.TryGetProperty(Context, out _), properties.TryGetProperty(LiveMode, out _))
            : null;
}
