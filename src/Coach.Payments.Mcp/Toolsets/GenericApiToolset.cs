using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Toolsets;

/// <summary>
/// The hosted server's generation: a tool that reads and a tool that writes, told which operation of Stripe's API to
/// run. It takes no idempotency key, but it takes lookup keys and metadata: a price is made once, and a link can be
/// found again.
/// </summary>
internal sealed class GenericApiToolset(
    McpConnection connection, GenericApiTools tools, int maxPages, TimeProvider time, IList<string> linkHosts)
    : StripeToolset(connection, time, linkHosts)
{
    private const int PageSize = 100;
    private const string Id = "id";

    // What the server calls the parameter in an operation's path: "id" now, the object's name in an older form. Learnt
    // from its refusal.
    private readonly ConcurrentDictionary<string, string> _pathNames = new(StringComparer.Ordinal);

    public override string Name => "dispatcher";

    public override GatewayCapabilities Capabilities { get; } =
        GatewayCapabilities.Full with { HasIdempotencyKeys = false };

    public override async Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken)
    {
        GatewayResult<JsonElement> result =
            await RunAsync(tools.Reader, "GetBalance", [], cancellationToken).ConfigureAwait(false);
        if (!result.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            // Any answer of Stripe's but a refused key proves that it is up and knows the key.
            bool isAnswer = failure.Kind
                is GatewayFailureKind.Forbidden or GatewayFailureKind.NotFound or GatewayFailureKind.RateLimited
                or GatewayFailureKind.Rejected or GatewayFailureKind.NotSupported;
            return isAnswer ? true : failure;
        }

        return json.Text("object") == "balance" ? true : ToolFailures.Bad("a success without the balance");
    }

    public override async Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken)
    {
        GatewayResult<JsonElement> made = await RunAsync(tools.Writer, "PostPrices", new JsonObject
        {
            ["currency"] = request.Amount.Currency,
            ["unit_amount"] = request.Amount.MinorUnits,
            ["product_data"] = new JsonObject { ["name"] = request.ProductName },
            ["lookup_key"] = request.LookupKey,
            ["metadata"] = Metadata(request.Metadata),
        }, cancellationToken).ConfigureAwait(false);
        return made.TryGet(out JsonElement json, out GatewayFailure? failure) ? NewPrice(json, request) : failure;
    }

    public override async Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken)
    {
        GatewayResult<JsonElement> listed = await RunAsync(
            tools.Reader, "GetPrices", new JsonObject
            { ["lookup_keys"] = new JsonArray(lookupKey), ["limit"] = 1 }, cancellationToken).ConfigureAwait(false);
        if (!listed.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            return failure;
        }

        if (Items(json) is not { } prices)
        {
            return ToolFailures.Bad("a success without the list of prices");
        }

        GatewayPrice? found = prices.Where(price => price.Text("lookup_key") == lookupKey)
            .Select(price => ReadPrice(price, isNew: false)).FirstOrDefault(static price => price is not null);
        return new GatewayResult<GatewayPrice?>(found);
    }

    public override async Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken)
    {
        var lines = new JsonArray(new JsonObject { ["price"] = request.PriceId, ["quantity"] = request.Quantity });
        foreach (PaymentLineItem item in request.MoreItems)
        {
            lines.Add((JsonNode)new JsonObject
            {
                ["price_data"] = new JsonObject
                {
                    ["currency"] = item.UnitPrice.Currency,
                    ["unit_amount"] = item.UnitPrice.MinorUnits,
                    ["product_data"] = new JsonObject { ["name"] = item.Description },
                },
                ["quantity"] = item.Quantity,
            });
        }

        var parameters = new JsonObject { ["line_items"] = lines, ["metadata"] = Metadata(request.Metadata) };
        if (request.IsSingleUse)
        {
            parameters["restrictions"] = new JsonObject { ["completed_sessions"] = new JsonObject { ["limit"] = 1 } };
        }

        if (request.RedirectUrl is { } redirect)
        {
            var target = new JsonObject { ["url"] = StripeObjects.FormatRedirectUrl(redirect) };
            parameters["after_completion"] = new JsonObject { ["type"] = "redirect", ["redirect"] = target };
        }

        GatewayResult<JsonElement> made =
            await RunAsync(tools.Writer, "PostPaymentLinks", parameters, cancellationToken).ConfigureAwait(false);
        return made.TryGet(out JsonElement json, out GatewayFailure? failure) ? Link(json) : failure;
    }

    public override async Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken)
    {
        var parameters =
            new JsonObject { [Id] = priceId, ["metadata"] = new JsonObject { [PaymentMetadata.Link] = linkId } };
        GatewayResult<JsonElement> noted =
            await RunAsync(tools.Writer, "PostPricesPrice", parameters, cancellationToken).ConfigureAwait(false);
        if (!noted.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            return failure;
        }

        return ReadPrice(json, isNew: false) is not null ? true : ToolFailures.Bad("a success without the price");
    }

    public override async Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken) => query.LinkId is { } id
        ? await FindByIdAsync(id, cancellationToken).ConfigureAwait(false)
        : await FindByTagAsync(query.Tag, cancellationToken).ConfigureAwait(false);

    public override async Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject { [Id] = linkId, ["active"] = false };
        GatewayResult<JsonElement> closed =
            await RunAsync(tools.Writer, "PostPaymentLinksPaymentLink", parameters, cancellationToken)
                .ConfigureAwait(false);
        if (!closed.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            return failure;
        }

        return ReadLink(json) is { IsActive: false } link && link.Id == linkId
            ? link
            : ToolFailures.Bad("a success without the closed link");
    }

    public override async Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken)
    {
        var sessions = new List<GatewaySession>();
        var filter = new JsonObject { ["payment_link"] = query.LinkId };
        GatewayFailure? problem = await EachPageAsync("GetCheckoutSessions", filter, item =>
        {
            bool isOfLink = StripeObjects.ReadReference(item, "payment_link") == query.LinkId;
            if (isOfLink && HasPrefix(item.Text("id"), "cs_") && StripeObjects.ReadSession(item) is { } session)
            {
                sessions.Add(session);
            }

            return true;
        }, cancellationToken).ConfigureAwait(false);
        return problem is not null ? problem : new GatewayResult<IReadOnlyList<GatewaySession>>(sessions);
    }

    public override async Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject { [Id] = sessionId };
        GatewayResult<JsonElement> ended = await RunAsync(
            tools.Writer, "PostCheckoutSessionsSessionExpire", parameters, cancellationToken).ConfigureAwait(false);
        if (!ended.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            return failure;
        }

        return json.Text("id") == sessionId && StripeObjects.ReadSession(json) is { } session
            ? session
            : ToolFailures.Bad("a success without the visit");
    }

    private async Task<GatewayResult<GatewayLink?>> FindByIdAsync(string id, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject { [Id] = id };
        GatewayResult<JsonElement> found = await RunAsync(
            tools.Reader, "GetPaymentLinksPaymentLink", parameters, cancellationToken).ConfigureAwait(false);
        if (found.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            return ReadLink(json) is { } link && link.Id == id
                ? link
                : ToolFailures.Bad("another object than the link");
        }

        return failure.Kind == GatewayFailureKind.NotFound
            ? new GatewayResult<GatewayLink?>((GatewayLink?)null)
            : failure;
    }

    private async Task<GatewayResult<GatewayLink?>> FindByTagAsync(string tag, CancellationToken cancellationToken)
    {
        GatewayLink? match = null;
        GatewayFailure? problem = await EachPageAsync("GetPaymentLinks", [], item =>
        {
            bool isOfTag = StripeObjects.ReadMetadata(item, PaymentMetadata.Tag) == tag;

            // Should there be two, the one that can be paid counts.
            if (isOfTag && ReadLink(item) is { } link && (match is null || link.IsActive))
            {
                match = link;
            }

            return match is not { IsActive: true };
        }, cancellationToken).ConfigureAwait(false);
        return match is null && problem is not null ? problem : new GatewayResult<GatewayLink?>(match);
    }

    private async Task<GatewayFailure?> EachPageAsync(
        string operation, JsonObject filter, Func<JsonElement, bool> visit, CancellationToken cancellationToken)
    {
        string? after = null;
        for (int page = 0; page < maxPages; page++)
        {
            JsonObject parameters = filter.DeepClone().AsObject();
            parameters["limit"] = PageSize;
            if (after is not null)
            {
                parameters["starting_after"] = after;
            }

            GatewayResult<JsonElement> result =
                await RunAsync(tools.Reader, operation, parameters, cancellationToken).ConfigureAwait(false);
            if (!result.TryGet(out JsonElement json, out GatewayFailure? failure))
            {
                return failure;
            }

            if (Items(json) is not { } items)
            {
                return ToolFailures.Bad("a success without the list");
            }

            string? last = null;
            int count = 0;
            foreach (JsonElement item in items)
            {
                last = item.Text("id") ?? last;
                count++;
                if (!visit(item))
                {
                    return null;
                }
            }

            // A bare array does not say whether there is more: only a short page is the last.
            bool hasMore = json.ValueKind == JsonValueKind.Object ? json.Flag("has_more") == true : count >= PageSize;
            if (!hasMore)
            {
                return null;
            }

            if (last is null || last == after)
            {
                // Taking this for the end would turn "not found" into "does not exist".
                return ToolFailures.Bad("a list that goes on, but not where") with { IsRetryable = false };
            }

            after = last;
        }

        return new GatewayFailure(GatewayFailureKind.Unknown, $"The list is longer than {maxPages} pages. Raise "
            + "Coach:Payments:Mcp:MaxPages.");
    }

    private async Task<GatewayResult<JsonElement>> RunAsync(
        GenericApiTool tool, string operation, JsonObject parameters, CancellationToken cancellationToken)
    {
        string? id = parameters[Id]?.GetValue<string>();
        string name = _pathNames.GetValueOrDefault(operation, Id);
        GatewayResult<JsonElement> result =
            await SendAsync(tool, operation, WithId(parameters, id, name), cancellationToken).ConfigureAwait(false);
        bool lacksName = result.Failure is { Kind: GatewayFailureKind.Rejected, Parameter: not null };
        if (id is null || !lacksName || result.Failure!.Parameter is not { } missing
            || missing == name || parameters.ContainsKey(missing))
        {
            return result;
        }

        // It refused for want of the same thing under another name, so nothing was done.
        result =
            await SendAsync(tool, operation, WithId(parameters, id, missing), cancellationToken).ConfigureAwait(false);
        if (result.Failure is null)
        {
            _pathNames[operation] = missing;
        }

        return result;
    }

    private Task<GatewayResult<JsonElement>> SendAsync(
        GenericApiTool tool, string operation, JsonObject parameters, CancellationToken cancellationToken)
    {
        var arguments =
            new JsonObject { [GenericApiTool.Operation] = operation, [GenericApiTool.Parameters] = parameters };
        if (tools.Context is { } context && tool.TakesContext)
        {
            arguments[GenericApiTool.Context] = context;
        }

        if (tool.TakesLiveMode)
        {
            arguments[GenericApiTool.LiveMode] = Connection.Key.IsLive;
        }

        return Connection.CallAsync(tool.Name, operation, arguments, cancellationToken);
    }

    private static JsonObject WithId(JsonObject parameters, string? id, string name)
    {
        JsonObject copy = parameters.DeepClone().AsObject();
        if (id is not null && name != Id)
        {
            copy.Remove(Id);
            copy[name] = id;
        }

        return copy;
    }

    private static JsonObject Metadata(IReadOnlyDictionary<string, string> metadata)
    {
        var json = new JsonObject();
        foreach ((string name, string value) in metadata)
        {
            json[name] = value;
        }

        return json;
    }

    private static IEnumerable<JsonElement>? Items(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => json.EnumerateArray().Where(static item => item.ValueKind == JsonValueKind.Object),
        JsonValueKind.Object => StripeObjects.ReadList(json),
        _ => null,
    };
}

/// <summary>The tools of the hosted server, and the account they act for; null for the key's own.</summary>
internal sealed record GenericApiTools(GenericApiTool Reader, GenericApiTool Writer, string? Context);

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
    public static GenericApiTool? From(Tool tool)
    {
        if (tool.InputSchema.Object("properties") is not { } properties)
        {
            return null;
        }

        return Takes(Operation) && Takes(Parameters)
            ? new GenericApiTool(tool.Name, Takes(Context), Takes(LiveMode))
            : null;

        bool Takes(string argument) => properties.TryGetProperty(argument, out _);
    }
}
