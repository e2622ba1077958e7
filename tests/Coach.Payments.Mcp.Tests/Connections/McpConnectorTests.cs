using Coach.Payments.Gateways;
using Coach.Testing;

namespace Coach.Payments.Mcp.Tests.Connections;

public sealed class McpConnectorTests : IAsyncDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly StripeFake _stripe;
    private readonly McpFake _mcp;
    private readonly McpHost _host;

    public McpConnectorTests()
    {
        _stripe = new StripeFake(options => options.Time = _clock);
        _mcp = new McpFake(McpGeneration.Dispatcher, _stripe);
        _host = new McpHost(_mcp, _clock);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ProbeAsync_ServerRestartedSinceTheLastCall_ReconnectsUnseen()
    {
        Assert.True((await _host.Gateway.ProbeAsync(Token)).Value);
        _mcp.BreakAll();
        Assert.True((await _host.RunAsync(_host.Gateway.ProbeAsync(Token))).Value);
        Assert.Equal(2, _mcp.Connections);
    }

    [Fact]
    public async Task CreateAsync_ServerRestartedWhileIdle_LooksBeforeItWrites()
    {
        await _host.CreateAsync();
        _mcp.BreakAll();
        _clock.Advance(TimeSpan.FromSeconds(20));
        PaymentLink link = await _host.CreateAsync(McpHost.Order("order-2:1"));
        Assert.False(link.IsSimulated);
        Assert.Equal(2, _stripe.Links.Count);
    }

    [Fact]
    public async Task CreateLinkAsync_ConnectionBreaksDuringTheCall_IsLostAndTheNextCallConnectsAnew()
    {
        GatewayPrice price = (await _host.Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token)).Value!;
        _mcp.NextFault = call => call.Operation == "PostPaymentLinks" ? McpFault.BreakAfter : McpFault.None;
        GatewayFailure? failure =
            (await _host.RunAsync(_host.Gateway.CreateLinkAsync(McpHost.LinkRequest(price.Id), Token))).Failure;
        Assert.Equal(GatewayFailureKind.ConnectionLost, failure?.Kind);
        Assert.Equal("The connection to the Stripe MCP server broke before the answer came.", failure?.Message);
        Assert.Single(_mcp.Operations, "PostPaymentLinks");
        Assert.NotNull((await _host.Gateway.FindLinkAsync(new GatewayLinkQuery("tag1"), Token)).Value);
        Assert.Equal(2, _mcp.Connections);
    }

    [Fact]
    public async Task ProbeAsync_ManyAtOnce_MakeOneConnection()
    {
        GatewayResult<bool>[] probes = await Task
            .WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => _host.Gateway.ProbeAsync(Token), Token)));
        Assert.All(probes, probe => Assert.True(probe.Value));
        Assert.Equal(1, _mcp.Connections);
        _mcp.BreakAll();
        probes = await _host
            .RunAsync(
                Task.WhenAll(
                    Enumerable.Range(0, 50).Select(_ => Task.Run(() => _host.Gateway.ProbeAsync(Token), Token))));
        Assert.All(probes, probe => Assert.True(probe.Value));
        Assert.Equal(2, _mcp.Connections);
    }

    [Fact]
    public async Task ProbeAsync_HandshakeUnanswered_EndsAtTheTimeLimit()
    {
        _mcp.NextConnectFault = _ => McpConnectFault.Silent;
        GatewayFailure? failure = (await _host.RunAsync(_host.Gateway.ProbeAsync(Token))).Failure;
        Assert.Equal(GatewayFailureKind.Unreachable, failure?.Kind);
        Assert.Equal("The Stripe MCP server was not ready within 10 s. Check that it is a Stripe MCP server, or "
            + "raise InitializationTimeout.", failure?.Message);
    }

    [Fact]
    public async Task ProbeAsync_CallerLeavesDuringTheHandshake_TheNextFindsItReady()
    {
        using var impatient = new CancellationTokenSource();
        var opened = new TaskCompletionSource();
        var proceed = new TaskCompletionSource();
        await using var host = new McpHost((key, tooLong) =>
        {
            opened.SetResult();
            proceed.Task.Wait(TimeSpan.FromMinutes(2));
            return _mcp.Open(key, tooLong);
        }, _clock);
        Task<GatewayResult<bool>> first = host.Gateway.ProbeAsync(impatient.Token);
        await opened.Task;
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        proceed.SetResult();
        Assert.True((await host.Gateway.ProbeAsync(Token)).Value);
        Assert.Equal(1, _mcp.Connections);
    }

    [Fact]
    public async Task ProbeAsync_RefusedConnection_IsNotTriedAgainAtOnce()
    {
        _mcp.NextConnectFault = count => count == 1 ? McpConnectFault.Refused : McpConnectFault.None;
        Assert.Equal(GatewayFailureKind.Unreachable, (await _host.Gateway.ProbeAsync(Token)).Failure?.Kind);
        Assert.Equal(GatewayFailureKind.Unreachable, (await _host.Gateway.ProbeAsync(Token)).Failure?.Kind);
        Assert.Equal(1, _mcp.Connections);
        _clock.Advance(TimeSpan.FromMilliseconds(500));
        Assert.True((await _host.Gateway.ProbeAsync(Token)).Value);
        Assert.Equal(2, _mcp.Connections);
    }

    [Theory]
    [InlineData(McpConnectFault.NoTools)]
    [InlineData(McpConnectFault.ForeignTools)]
    public async Task ProbeAsync_ServerWithoutTheTools_IsNotSupported(object fault)
    {
        _mcp.NextConnectFault = _ => (McpConnectFault)fault;
        GatewayFailure? failure = (await _host.Gateway.ProbeAsync(Token)).Failure;
        Assert.Equal(GatewayFailureKind.NotSupported, failure?.Kind);
        Assert.StartsWith(
            "The Stripe MCP server cannot be used for payment links: it offers n", failure?.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProbeAsync_ConnectionClosedAtOnce_IsUnreachable()
    {
        _mcp.NextConnectFault = _ => McpConnectFault.Closed;
        Assert.Equal(
            GatewayFailureKind.Unreachable, (await _host.RunAsync(_host.Gateway.ProbeAsync(Token))).Failure?.Kind);
    }

    [Fact]
    public async Task CreateLinkAsync_CallerCancels_EndsAtOnceAndTheLinkMayExist()
    {
        GatewayPrice price = (await _host.Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token)).Value!;
        _mcp.NextFault = call => call.Operation == "PostPaymentLinks" ? McpFault.HangAfter : McpFault.None;
        using var cancel = new CancellationTokenSource();
        Task<GatewayResult<GatewayLink>> call =
            _host.Gateway.CreateLinkAsync(McpHost.LinkRequest(price.Id), cancel.Token);
        while (!_mcp.IsHanging)
        {
            await Task.Yield();
        }

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Single(_stripe.Links);
    }

    [Fact]
    public async Task ListSessionsAsync_Unanswered_TimesOutAtTheCallTimeout()
    {
        await _host.Gateway.ProbeAsync(Token);
        _mcp.NextFault = call => call.Operation == "GetCheckoutSessions" ? McpFault.HangBefore : McpFault.None;
        Task<GatewayResult<IReadOnlyList<GatewaySession>>> call =
            _host.Gateway.ListSessionsAsync(
                new GatewaySessionQuery("plink_1", Money.Create(1250, "usd"), _clock.GetUtcNow()), Token);
        long started = _clock.GetTimestamp();
        GatewayFailure? failure = (await _host.RunAsync(call)).Failure;
        Assert.Equal((GatewayFailureKind.TimedOut, "The Stripe MCP server did not answer within 20 "
            + "s."), (failure?.Kind, failure?.Message));
        Assert.True(_clock.GetElapsedTime(started) >= TimeSpan.FromSeconds(20));
        _mcp.NextFault = _ => McpFault.None;
        Assert.True((await _host.Gateway.ProbeAsync(Token)).Value);
        Assert.Equal(2, _mcp.Connections);
    }

    [Fact]
    public async Task ProbeAsync_KeyChanged_ConnectsWithTheNewOne()
    {
        await _host.Gateway.ProbeAsync(Token);
        _host.Configuration["STRIPE_API_KEY"] = "sk_test_rotated4242Coach";
        Assert.True((await _host.Gateway.ProbeAsync(Token)).Value);
        Assert.Equal(2, _mcp.Connections);
    }

    [Theory]
    [InlineData(null, null, GatewayFailureKind.NotSupported, "There is no STRIPE_API_KEY. Set it to take payments.")]
    [InlineData("sk_test_a b", null, GatewayFailureKind.Unauthorized, "STRIPE_API_KEY holds characters no key has. Copy it again from the Stripe dashboard.")]
    [InlineData(McpHost.LiveKey, false, GatewayFailureKind.NotSupported,
        "Coach:Payments:Mcp:LiveMode is False, which contradicts the kind of STRIPE_API_KEY. Remove the setting "
        + "or change the key.")]
    public async Task ProbeAsync_KeyCannotBeUsed_ConnectsToNothing(
        string? key, bool? live, GatewayFailureKind kind, string message)
    {
        await using var host = new McpHost(_mcp, _clock, key, configure: options => options.LiveMode = live);
        GatewayFailure? failure = (await host.Gateway.ProbeAsync(Token)).Failure;
        Assert.Equal((kind, message, 0), (failure?.Kind, failure?.Message, _mcp.Connections));
    }

    [Theory]
    [InlineData(null, GatewayMode.NotConfigured)]
    [InlineData("sk_test_1", GatewayMode.Test)]
    [InlineData("rk_test_1", GatewayMode.Test)]
    [InlineData("sk_live_1", GatewayMode.Live)]
    [InlineData("something", GatewayMode.Live)]
    public async Task Mode_Key_DecidesWithoutAConnection(string? key, GatewayMode mode)
    {
        await using var host = new McpHost(_mcp, _clock, key);
        Assert.Equal((mode, 0), (host.Gateway.Mode, _mcp.Connections));
    }

    public async ValueTask DisposeAsync()
    {
        await _mcp.DisposeAsync();
        await _host.DisposeAsync();
    }
}
