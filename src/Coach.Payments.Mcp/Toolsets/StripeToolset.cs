using System.Text.Json;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;

namespace Coach.Payments.Mcp.Toolsets;

/// <summary>One generation of Stripe's MCP tools: how each step of a payment is asked for. What a generation lacks it
/// refuses here.</summary>
internal abstract class StripeToolset(
    McpConnection connection, TimeProvider time, IList<string> linkHosts) : McpToolset(connection)
{
    private const int LongestId = 255;

    private bool IsLive => Connection.Key.IsLive;

    public abstract Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken);

    public abstract Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken);

    public abstract Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken);

    public virtual Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken) =>
        Lacks<GatewayPrice?>("finding a price");

    public virtual Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken) => Lacks<bool>("metadata");

    public virtual Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken) => Lacks<GatewayLink?>("finding a link");

    public virtual Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken) => Lacks<GatewayLink>("closing a link");

    public virtual Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken) =>
        Lacks<IReadOnlyList<GatewaySession>>("listing the payments of a link");

    public virtual Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken) => Lacks<GatewaySession>("ending a payer's visit");

    /// <summary>A price that is what was asked for, or a failure.</summary>
    protected GatewayResult<GatewayPrice> NewPrice(JsonElement json, GatewayPriceRequest request)
    {
        if (ReadPrice(json, isNew: true) is not { } price)
        {
            return ToolFailures.Bad("a success without the price");
        }

        if (IsOfOtherMode(json))
        {
            return OtherMode();
        }

        return price.Amount is { } amount && amount != request.Amount
            ? ToolFailures.Bad("a price of another amount than was asked for") with { IsRetryable = false }
            : price;
    }

    protected GatewayPrice? ReadPrice(JsonElement json, bool isNew) =>
        IsObject(json, "price_", "price") ? StripeObjects.ReadPrice(json, time.GetUtcNow(), isNew) : null;

    /// <summary>A link that shows itself, or a failure.</summary>
    protected GatewayResult<GatewayLink> Link(JsonElement json)
    {
        if (ReadLink(json) is not { } link)
        {
            return ToolFailures.Bad("a success without the payment link");
        }

        // Whoever controls the server could send payers anywhere.
        if (!IsAllowed(link.Url))
        {
            return ToolFailures.Bad("a payment link on a host that Coach:Payments:Mcp:LinkHosts does not list")
                with
            { IsRetryable = false };
        }

        return IsOfOtherMode(json) ? OtherMode() : link;
    }

    protected static GatewayLink? ReadLink(JsonElement json)
    {
        GatewayLink? link = IsObject(json, "plink_", "payment_link") ? StripeObjects.ReadLink(json) : null;
        return link is { Url: { UserInfo.Length: 0 } url } && url.Scheme == Uri.UriSchemeHttps ? link : null;
    }

    private bool IsAllowed(Uri url) => url.IsDefaultPort
        && linkHosts.Any(host => string.Equals(host, url.IdnHost, StringComparison.OrdinalIgnoreCase));

    protected static bool HasPrefix(string? id, string prefix) =>
        id is { Length: <= LongestId } && id.Length > prefix.Length && id.StartsWith(prefix, StringComparison.Ordinal);

    private static bool IsObject(JsonElement json, string prefix, string type) =>
        HasPrefix(json.Text("id"), prefix) && (json.Text("object") is not { } said || said == type);

    private bool IsOfOtherMode(JsonElement json) => json.Flag("livemode") is { } live && live != IsLive;

    private GatewayFailure OtherMode()
    {
        (string acted, string kind) = IsLive ? ("test", "live") : ("live", "test");
        return new GatewayFailure(GatewayFailureKind.BadAnswer, $"The Stripe MCP server acted on {acted} data although "
            + $"{StripeMcpKey.SecretName} is a {kind} key. Check the server's account.");
    }

    private static Task<GatewayResult<T>> Lacks<T>(string what) => Task.FromResult<GatewayResult<T>>(
        new GatewayFailure(GatewayFailureKind.NotSupported, "The tools of this Stripe MCP server do not "
            + $"include {what}."));
}
