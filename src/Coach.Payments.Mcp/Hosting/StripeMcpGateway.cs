using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;
using Coach.Payments.Mcp.Telemetry;
using Coach.Payments.Mcp.Toolsets;
using ModelContextProtocol.Client;

namespace Coach.Payments.Mcp.Hosting;

/// <summary>Stripe through an MCP server. Each call is one attempt; a lost connection is made anew for the
/// next.</summary>
internal sealed class StripeMcpGateway(
    StripeMcpOptions options, ISecretSource secrets, Func<StripeMcpKey, Action, IClientTransport> transports,
    TimeProvider time, McpTelemetry telemetry) : IPaymentGateway, IAsyncDisposable, IDisposable
{
    // Before the first connection nothing is promised. What can be tried is tried: a server that lacks it says so.
    private static readonly GatewayCapabilities Unknown =
        new() { CanFindLinks = true, CanDeactivate = true, CanListSessions = true };

    private readonly McpConnector<StripeToolset> _connector = new(
        options, secrets, transports, time, telemetry, new StripeToolsetSelector(options, time).SelectAsync);

    public string Name => "stripe-mcp";

    public GatewayCapabilities Capabilities => _connector.LastToolset?.Capabilities ?? Unknown;

    public GatewayMode Mode
    {
        get
        {
            if (!StripeMcpKey.TryRead(secrets, out StripeMcpKey? key))
            {
                return GatewayMode.NotConfigured;
            }

            return key.IsLive ? GatewayMode.Live : GatewayMode.Test;
        }
    }

    public Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken = default) =>
        ReadAsync(static (tools, _, token) => tools.ProbeAsync(token), true, cancellationToken);

    public Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return WriteAsync(
            static (tools, request, token) => tools.CreatePriceAsync(request, token), request, cancellationToken);
    }

    public Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(lookupKey);
        return ReadAsync(static (tools, key, token) => tools.FindPriceAsync(key, token), lookupKey, cancellationToken);
    }

    public Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return WriteAsync(
            static (tools, request, token) => tools.CreateLinkAsync(request, token), request, cancellationToken);
    }

    public Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(priceId);
        ArgumentException.ThrowIfNullOrEmpty(linkId);
        return WriteAsync(static (tools, ids, token) => tools.NoteLinkAsync(ids.Price, ids.Link, token),
            (Price: priceId, Link: linkId), cancellationToken);
    }

    public Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return ReadAsync(static (tools, query, token) => tools.FindLinkAsync(query, token), query, cancellationToken);
    }

    public Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(linkId);
        return WriteAsync(static (tools, id, token) => tools.DeactivateLinkAsync(id, token), linkId, cancellationToken);
    }

    public Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return ReadAsync(
            static (tools, query, token) => tools.ListSessionsAsync(query, token), query, cancellationToken);
    }

    public Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(sessionId);
        return WriteAsync(
            static (tools, id, token) => tools.ExpireSessionAsync(id, token), sessionId, cancellationToken);
    }

    public ValueTask DisposeAsync() => _connector.DisposeAsync();

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task<GatewayResult<T>> WriteAsync<T, TState>(
        Func<StripeToolset, TState, CancellationToken, Task<GatewayResult<T>>> step, TState state,
        CancellationToken cancellationToken) =>
        (await RunAsync(step, state, isWrite: true, cancellationToken).ConfigureAwait(false)).Result;

    private async Task<GatewayResult<T>> ReadAsync<T, TState>(
        Func<StripeToolset, TState, CancellationToken, Task<GatewayResult<T>>> step, TState state,
        CancellationToken cancellationToken)
    {
        (GatewayResult<T> result, bool isLost) =
            await RunAsync(step, state, isWrite: false, cancellationToken).ConfigureAwait(false);

        // A session that ran out while nobody used it is no failure of the provider's: one more try on a new
        // connection.
        return isLost && result.Failure is { Kind: GatewayFailureKind.ConnectionLost }
            ? (await RunAsync(step, state, isWrite: false, cancellationToken).ConfigureAwait(false)).Result
            : result;
    }

    private async Task<(GatewayResult<T> Result, bool IsLost)> RunAsync<T, TState>(
        Func<StripeToolset, TState, CancellationToken, Task<GatewayResult<T>>> step, TState state, bool isWrite,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        GatewayResult<StripeToolset> leased =
            await _connector.LeaseAsync(isWrite, cancellationToken).ConfigureAwait(false);
        if (!leased.TryGet(out StripeToolset? tools, out GatewayFailure? failure))
        {
            return (failure, false);
        }

        try
        {
            GatewayResult<T> result = await step(tools, state, cancellationToken).ConfigureAwait(false);
            return (result, !tools.Connection.IsUsable);
        }
        finally
        {
            tools.Connection.Release();
        }
    }
}
