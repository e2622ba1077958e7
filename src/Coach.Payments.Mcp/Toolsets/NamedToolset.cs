using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;

namespace Coach.Payments.Mcp.Toolsets;

/// <summary>
/// The first generation (npm <c>@stripe/mcp</c> up to 0.2.5): one tool a request, without idempotency key, metadata,
/// natural key or any way to read a link back. A failed request is a "success" that holds a sentence.
/// </summary>
internal sealed class NamedToolset(
    McpConnection connection, IReadOnlyList<string> tools, TimeProvider time, IList<string> linkHosts)
    : StripeToolset(connection, time, linkHosts)
{
    private const string CreateProduct = "create_product";
    private const string CreatePrice = "create_price";
    private const string CreatePaymentLink = "create_payment_link";

    public static IReadOnlyList<string> Required { get; } = [CreateProduct, CreatePrice, CreatePaymentLink];

    // Reads without effect, the cheapest first. A valid tools/list says nothing of the key: only a call does.
    private static readonly string[] Probes = ["retrieve_balance", "list_products", "list_prices"];

    private readonly string? _probe = Array.Find(Probes, tools.Contains);

    public override string Name => "named tools";

    public override GatewayCapabilities Capabilities { get; } = new();

    public override async Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken)
    {
        if (_probe is null)
        {
            return await Connection.ConfirmAsync(cancellationToken).ConfigureAwait(false)
                ? true
                : new GatewayFailure(
                    GatewayFailureKind.ConnectionLost,
                    "The Stripe MCP server no longer answers.")
                { IsRetryable = true };
        }

        GatewayResult<JsonElement> result = await Connection
            .CallAsync(
                _probe, "probe", _probe == Probes[0] ? [] : new JsonObject { ["limit"] = 1 },
                cancellationToken).ConfigureAwait(false);
        if (!result.TryGet(out JsonElement json, out GatewayFailure? failure))
        {
            return failure.Kind is GatewayFailureKind.RateLimited or GatewayFailureKind.Forbidden ? true : failure;
        }

        bool isExpected = _probe == Probes[0] ? json.Text("object") == "balance" : IsList(json);
        return isExpected ? true : ToolFailures.Bad("a success without the expected object");
    }

    public override async Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken)
    {
        // Two writes, since this generation has no inline products: a product without a price cannot be paid.
        GatewayResult<JsonElement> product = await Connection.CallAsync(
            CreateProduct, "product", new JsonObject
            { ["name"] = request.ProductName }, cancellationToken).ConfigureAwait(false);
        if (product.Failure is { } noProduct)
        {
            return noProduct;
        }

        if (product.Value.Text("id") is not { } productId || !HasPrefix(productId, "prod_"))
        {
            return ToolFailures.Bad("a success without the product");
        }

        GatewayResult<JsonElement> price = await Connection.CallAsync(CreatePrice, "price", new JsonObject
        {
            ["product"] = productId,
            ["unit_amount"] = request.Amount.MinorUnits,
            ["currency"] = request.Amount.Currency,
        }, cancellationToken).ConfigureAwait(false);
        if (price.Failure is { } noPrice)
        {
            return noPrice;
        }

        return StripeObjects.ReadReference(price.Value, "product") is { } of && of != productId
            ? ToolFailures.Bad("a price of another product") with { IsRetryable = false }
            : NewPrice(price.Value, request);
    }

    public override async Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken)
    {
        if (request.MoreItems.Count > 0)
        {
            return new GatewayFailure(GatewayFailureKind.NotSupported, "The tools of this Stripe MCP server "
                + "make links of one line only.");
        }

        var arguments = new JsonObject { ["price"] = request.PriceId, ["quantity"] = request.Quantity };
        if (request.RedirectUrl is { } redirect)
        {
            arguments["redirect_url"] = StripeObjects.FormatRedirectUrl(redirect);
        }

        GatewayResult<JsonElement> link =
            await Connection.CallAsync(CreatePaymentLink, "link", arguments, cancellationToken).ConfigureAwait(false);
        return link.TryGet(out JsonElement json, out GatewayFailure? failure) ? Link(json) : failure;
    }

    // A bare array in this generation; a list object does no harm.
    private static bool IsList(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array || json.Items("data") is not null;
}
