using System.Text.Json;

namespace Coach.Payments.Mcp;

/// <summary>One generation of Stripe's MCP tools: how each step of a payment is asked for. What a generation lacks it refuses here.</summary>
internal abstract class StripeToolset(McpConnection connection, TimeProvider time)
{
    /// <summary>For the log: "named tools" or "dispatcher".</summary>
    public abstract string Name { get; }

    public abstract GatewayCapabilities Capabilities { get; }

    protected McpConnection Connection => connection;

    private bool IsLive => connection.Key.IsLive;

    public abstract Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken);

    public abstract Task<GatewayResult<GatewayPrice>> CreatePriceAsync(GatewayPriceRequest request, CancellationToken cancellationToken);

    public abstract Task<GatewayResult<GatewayLink>> CreateLinkAsync(GatewayLinkRequest request, CancellationToken cancellationToken);

    public virtual Task<GatewayResult<GatewayPrice?>> FindPriceAsync(string lookupKey, CancellationToken cancellationToken) => Lacks<GatewayPrice?>("finding a price");

    public virtual Task<GatewayResult<bool>> NoteLinkAsync(string priceId, string linkId, CancellationToken cancellationToken) => Lacks<bool>("metadata");

    public virtual Task<GatewayResult<GatewayLink?>> FindLinkAsync(GatewayLinkQuery query, CancellationToken cancellationToken) => Lacks<GatewayLink?>("finding a link");

    public virtual Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(string linkId, CancellationToken cancellationToken) => Lacks<GatewayLink>("closing a link");

    public virtual Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(GatewaySessionQuery query, CancellationToken cancellationToken) =>
        Lacks<IReadOnlyList<GatewaySession>>("listing the payments of a link");

    public virtual Task<GatewayResult<GatewaySession>> ExpireSessionAsync(string sessionId, CancellationToken cancellationToken) => Lacks<GatewaySession>("ending a payer's visit");

    /// <summary>A price that is what was asked for, or a failure.</summary>
    protected GatewayResult<GatewayPrice> NewPrice(JsonElement json, GatewayPriceRequest request, bool isNew)
    {
        if (ReadPrice(json, isNew) is not { } price)
        {
            return ToolFailures.Bad("a success without the price");
        }

        return IsOfOtherMode(json) ? OtherMode()
            : price.Amount is { } amount && amount != request.Amount ? ToolFailures.Bad("a price of another amount than was asked for") with { IsRetryable = false }
            : price;
    }

    protected GatewayPrice? ReadPrice(JsonElement json, bool isNew) =>
        json.ValueKind == JsonValueKind.Object && HasPrefix(json.Text("id"), "price_") && json.Text("object") is null or "price"
            ? StripeJson.Price(json, new StripeReply(false, null, time.GetUtcNow()), isNew)
            : null;

    /// <summary>A link that shows itself, or a failure.</summary>
    protected GatewayResult<GatewayLink> Link(JsonElement json)
    {
        if (ReadLink(json) is not { } link)
        {
            return ToolFailures.Bad("a success without the payment link");
        }

        return IsOfOtherMode(json) ? OtherMode() : link;
    }

    protected GatewayLink? ReadLink(JsonElement json) =>
        json.ValueKind == JsonValueKind.Object && HasPrefix(json.Text("id"), "plink_") && json.Text("object") is null or "payment_link"
        && StripeJson.Link(json, new StripeReply(false, null, time.GetUtcNow())) is { } link
        && link.Url.Scheme == Uri.UriSchemeHttps && link.Url.UserInfo.Length == 0
            ? link
            : null;

    protected static bool HasPrefix(string? id, string prefix) =>
        id is { Length: <= 255 } && id.Length > prefix.Length && id.StartsWith(prefix, StringComparison.Ordinal);

    private bool IsOfOtherMode(JsonElement json) => json.Flag("livemode") is { } live && live != IsLive;

    private GatewayFailure OtherMode() => new(GatewayFailureKind.BadAnswer,
        $"The Stripe MCP server acted on {(IsLive ? "test" : "live")} data although {StripeMcpKey.SecretName} is a {(IsLive ? "live" : "test")} key. Check the server's account.");

    private static Task<GatewayResult<T>> Lacks<T>(string what) => Task.FromResult<GatewayResult<T>>(new GatewayFailure(GatewayFailureKind.NotSupported,
        $"The tools of this Stripe MCP server do not include {what}."));
}
