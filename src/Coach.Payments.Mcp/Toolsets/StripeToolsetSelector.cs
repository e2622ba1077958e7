using System.Text.Json;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Toolsets;

/// <summary>Chooses the generation by the tools that the server lists, never by its name or version.</summary>
internal sealed class StripeToolsetSelector(StripeMcpOptions options, TimeProvider time)
{
    private const string ListAccounts = "list_available_accounts_or_orgs";

    /// <summary>Chooses the tools of a new connection.</summary>
    public async Task<GatewayResult<StripeToolset>> SelectAsync(
        McpConnection connection, IReadOnlyList<Tool> tools, CancellationToken cancellationToken)
    {
        Tool? any = Find(tools, "stripe_api_execute");
        if ((Find(tools, "stripe_api_read") ?? any) is { } read
            && (Find(tools, "stripe_api_write") ?? any) is { } write)
        {
            bool hasAccounts = Find(tools, ListAccounts) is not null;
            return await SelectGenericAsync(connection, read, write, hasAccounts, cancellationToken)
                .ConfigureAwait(false);
        }

        if (!NamedToolset.Required.All(name => Find(tools, name) is not null))
        {
            return TransportFailures.Unsupported("it offers neither create_product, create_price and "
                + "create_payment_link "
                + "nor stripe_api_read and stripe_api_write");
        }

        return options.StripeContext is null
            ? new NamedToolset(connection, [.. tools.Select(static tool => tool.Name)], time, options.LinkHosts)
            : NoContext();
    }

    private async Task<GatewayResult<StripeToolset>> SelectGenericAsync(
        McpConnection connection, Tool read, Tool write, bool hasAccounts, CancellationToken cancellationToken)
    {
        if (GenericApiTool.From(read) is not { } reader || GenericApiTool.From(write) is not { } writer)
        {
            return TransportFailures.Unsupported("its dispatcher takes other arguments than are known here");
        }

        string? context = options.StripeContext;
        if (hasAccounts)
        {
            GatewayResult<string?> account = await AccountAsync(connection, cancellationToken).ConfigureAwait(false);
            if (account.Failure is { } failure)
            {
                return failure;
            }

            context = account.Value;
        }

        bool takesContext = reader.TakesContext && writer.TakesContext;
        return options.StripeContext is null || context is null || takesContext
            ? new GenericApiToolset(connection, new GenericApiTools(reader, writer, context), options.MaxPages, time,
                options.LinkHosts)
            : NoContext();
    }

    private async Task<GatewayResult<string?>> AccountAsync(
        McpConnection connection, CancellationToken cancellationToken)
    {
        GatewayResult<JsonElement> listed =
            await connection.CallAsync(ListAccounts, "accounts", [], cancellationToken).ConfigureAwait(false);
        if (listed.Failure is { } failure)
        {
            // Nothing was done yet, whatever the answer was.
            return failure.IsOutcomeUnknown ? failure with { Kind = GatewayFailureKind.Unreachable } : failure;
        }

        if (listed.Value.Items("accounts") is not { } accounts)
        {
            const string message = "The Stripe MCP server did not list its accounts.";
            return new GatewayFailure(GatewayFailureKind.Unreachable, message) { IsRetryable = true };
        }

        bool live = connection.Key.IsLive;
        string?[] usable =
        [
            .. accounts.Where(
                account => account.ValueKind == JsonValueKind.Object && (account.Flag("livemode") ?? live) == live)
                .Select(static account => account.Text("stripe_context")).Distinct(),
        ];
        return ChooseAccount(usable, live ? "live" : "test");
    }

    private GatewayResult<string?> ChooseAccount(string?[] usable, string mode)
    {
        if (options.StripeContext is { } wanted)
        {
            return usable.Contains(wanted) ? wanted : NotSupported("The Stripe MCP server does not list "
                + $"Coach:Payments:Mcp:StripeContext among its {mode} accounts. Correct it, or use another key.");
        }

        return usable switch
        {
            [var only] => new GatewayResult<string?>(only),
            [] => NotSupported($"The Stripe MCP server lists no {mode} account for this key."),
            _ => NotSupported("The Stripe MCP server lists several accounts. Name one in "
                + "Coach:Payments:Mcp:StripeContext."),
        };
    }

    private static GatewayFailure NoContext(
        ) => NotSupported("The tools of this Stripe MCP server take no account. Remove "
        + "Coach:Payments:Mcp:StripeContext; a server of named tools takes --stripe-account=acct_… among its "
        + "arguments.");

    private static GatewayFailure NotSupported(string message) => new(GatewayFailureKind.NotSupported, message);

    private static Tool? Find(IReadOnlyList<Tool> tools, string name) =>
        tools.FirstOrDefault(tool => tool.Name == name);
}
