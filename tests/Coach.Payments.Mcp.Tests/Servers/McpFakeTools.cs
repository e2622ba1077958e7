using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Tests;

/// <summary>The tools of each generation with their schemas (facts: the servers' own tools/list), and what they
/// answer.</summary>
internal sealed class McpFakeTools(McpGeneration generation, StripeOperations stripe)
{
    /// <summary>Operations that this server does not offer.</summary>
    public HashSet<string> Withheld { get; } = new(StringComparer.Ordinal);

    /// <summary>What the path parameter is called.</summary>
    public string PathName { get; set; } = "id";

    /// <summary>What the list of accounts answers.</summary>
    public string Accounts
    { get; set; } = """{"accounts":[{"stripe_context":"acct_live","livemode":true,"name":"Bar"},{"stripe_context":"acct_test","livemode":false,"name":"Bar"}]}""";

    /// <summary>How many tools a page of the list has; null for all on one.</summary>
    public int? PageSize { get; set; }

    /// <summary>Whether the last page names itself as the next.</summary>
    public bool HasEndlessPages { get; set; }

    /// <summary>Changes what is listed.</summary>
    public Func<Tool, Tool?> Change { get; set; } = static tool => tool;

    /// <summary>How often the list was asked for.</summary>
    public int Pages => Volatile.Read(ref _pages);

    private int _pages;

    public bool Has(string tool) => Listed().Any(listed => listed.Name == tool);

    public ListToolsResult Page(string? cursor)
    {
        Interlocked.Increment(ref _pages);
        Tool[] all = Listed();
        int at = cursor is null ? 0 : int.Parse(cursor, System.Globalization.CultureInfo.InvariantCulture);
        int next = at + (PageSize ?? all.Length);
        string? last = HasEndlessPages ? cursor ?? "0" : null;
        return new ListToolsResult
        {
            Tools = [.. all.Skip(at).Take(next - at)],
            NextCursor = next < all.Length
                ? next.ToString(System.Globalization.CultureInfo.InvariantCulture)
                : last,
        };
    }

    private Tool[] Listed() => [.. List().Select(Change).OfType<Tool>()];

    public IReadOnlyList<Tool> List() => generation switch
    {
        McpGeneration.Named =>
        [
            Tool("create_product", """{"name":{"type":"string"},"description":{"type":"string"}}""", "name"),
            Tool("list_products", """{"limit":{"type":"integer"}}"""),
            Tool(
                "create_price",
                """{"product":{"type":"string"},"unit_amount":{"type":"integer"},"currency":{"type":"string"}}""",
                "product", "unit_amount", "currency"),
            Tool("list_prices", """{"product":{"type":"string"},"limit":{"type":"integer"}}"""),
            Tool(
                "create_payment_link",
                """{"price":{"type":"string"},"quantity":{"type":"integer"},"redirect_url":{"type":"string"}}""",
                "price", "quantity"),
            Tool("retrieve_balance", "{}"),
        ],
        McpGeneration.Dispatcher =>
            [Api("stripe_api_read"), Api("stripe_api_write"), Tool(
                "stripe_api_search", """{"intent":{"type":"string"}}"""), Tool("list_available_accounts_or_orgs",
                "{}")],
        _ => [Tool(
            "stripe_api_execute", """{"stripe_api_operation_id":{"type":"string"},"parameters":{"type":"object"}}""",
            "stripe_api_operation_id", "parameters")],
    };

    public static Tool Foreign() => Tool("search", """{"query":{"type":"string"}}""");

    public async Task<CallToolResult> CallAsync(McpFakeCall call) => generation == McpGeneration.Named
        ? await NamedAsync(call)
        : call.Tool == "list_available_accounts_or_orgs" ? Text(Accounts) : await DispatchAsync(call);

    public static CallToolResult Text(string text, bool isError = false) =>
        new() { Content = [new TextContentBlock { Text = text }], IsError = isError ? true : null };

    private async Task<CallToolResult> NamedAsync(McpFakeCall call)
    {
        JsonObject arguments = call.Arguments;
        (string operation, JsonObject parameters, string failure) = call.Tool switch
        {
            "create_product" =>
                (
                    "PostProducts", new JsonObject { ["name"] = arguments["name"]!.DeepClone() },
                    "Failed to create product"),
            "create_price" => ("PostPrices", new JsonObject
            {
                ["product"] = arguments["product"]!.DeepClone(),
                ["unit_amount"] = arguments["unit_amount"]!.DeepClone(),
                ["currency"] = arguments["currency"]!.DeepClone(),
            }, "Failed to create price"),
            "create_payment_link" => ("PostPaymentLinks", LinkParameters(arguments), "Failed to create payment link"),
            "retrieve_balance" => ("GetBalance", [], "Failed to retrieve balance"),
            "list_products" => ("GetProducts", arguments, "Failed to list products"),
            _ => ("GetPrices", arguments, "Failed to list prices"),
        };
        (bool isSuccess, string body) = await stripe.RunAsync(operation, parameters);
        if (!isSuccess)
        {
            return Text(JsonSerializer.Serialize(failure));
        }

        JsonNode json = JsonNode.Parse(body)!;
        return Text(call.Tool switch
        {
            "create_payment_link" =>
                new JsonObject { ["id"] = json["id"]!.DeepClone(), ["url"] = LinkUrl ?? json["url"]!.DeepClone() }
                    .ToJsonString(),
            "list_products" or "list_prices" => json["data"]!.ToJsonString(),
            _ => body,
        });
    }

    /// <summary>The address that made links claim to have; null for their own.</summary>
    public string? LinkUrl { get; set; }

    private async Task<CallToolResult> DispatchAsync(McpFakeCall call)
    {
        string operation = call.Operation;
        if (!StripeOperations.IsKnown(operation) || Withheld.Contains(operation)
            || (
                generation == McpGeneration.Dispatcher
                    && StripeOperations.IsWrite(operation) != (call.Tool == "stripe_api_write")))
        {
            return Text($"Operation '{operation}' is not available. Use stripe_api_search to find "
                + "operations.", isError: true);
        }

        JsonObject parameters = call.Parameters;
        if (StripeOperations.TakesId(operation))
        {
            if (parameters[PathName] is not { } id)
            {
                return Text($"Missing required path parameters: {PathName}", isError: true);
            }

            parameters = parameters.DeepClone().AsObject();
            parameters.Remove(PathName);
            parameters["id"] = id.DeepClone();
        }

        (bool isSuccess, string body) = await stripe.RunAsync(operation, parameters);
        return isSuccess
            ? Text(body)
            : Text($"Stripe API error: {StripeOperations.MessageOf(body)}\n\nUse stripe_api_details to see what "
                + "the operation takes.", isError: true);
    }

    private static JsonObject LinkParameters(JsonObject arguments)
    {
        var parameters = new JsonObject
        {
            ["line_items"] = new JsonArray(
                new JsonObject
                { ["price"] = arguments["price"]!.DeepClone(), ["quantity"] = arguments["quantity"]!.DeepClone() }),
        };
        if (arguments["redirect_url"] is { } redirect)
        {
            parameters["after_completion"] = new JsonObject
            { ["type"] = "redirect", ["redirect"] = new JsonObject { ["url"] = redirect.DeepClone() } };
        }

        return parameters;
    }

    private static Tool Api(string name) => Tool(name,
        """{"stripe_api_operation_id":{"type":"string"},"parameters":{"type":"object"},"stripe_context":{"type":"string"},"livemode":{"type":"boolean"}}""",
        "stripe_api_operation_id", "parameters", "stripe_context", "livemode");

    private static Tool Tool(string name, string properties, params string[] required) => new()
    {
        Name = name,
        InputSchema = JsonDocument.Parse(
            $$"""{"type":"object","properties":{{properties}},"required":{{JsonSerializer.Serialize(required)}},"additionalProperties":false}""").RootElement,
    };
}
