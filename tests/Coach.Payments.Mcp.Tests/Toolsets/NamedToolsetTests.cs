using Coach.Payments.Gateways;
using Coach.Testing;

namespace Coach.Payments.Mcp.Tests.Toolsets;

public sealed class NamedToolsetTests
{
    [Fact]
    public async Task CreateAsync_NamedTools_MakesOneLinkAndSaysThatItIsReusable()
    {
        await using var scene = new Scene();
        PaymentLink link =
            await scene.Host.CreateAsync(McpHost.Order() with { RedirectUrl = new Uri("https://bar.example/thanks") });

        StripeFakeLink made = Assert.Single(scene.Stripe.Links);
        Assert.Equal(
            (made.Id, made.Url, 1250L, "usd"), (link.Id, link.Url.AbsoluteUri, made.AmountTotal, made.Currency));
        Assert.Equal("https://bar.example/thanks", made.RedirectUrl);
        Assert.True(link.IsReusable);
        Assert.False(link.IsSimulated);
        Assert.Equal("stripe-mcp", link.Gateway);
        Assert.Equal(
            ["retrieve_balance", "create_product", "create_price", "create_payment_link"], scene.Mcp.Operations);
        Assert.Equal(
            ["price", "quantity", "redirect_url"],
            scene.Mcp.Calls[^1].Arguments.Select(argument => argument.Key).Order());
    }

    [Fact]
    public async Task CreateAsync_SameKeyAgain_ReplaysWithoutACall()
    {
        await using var scene = new Scene();
        PaymentLink first = await scene.Host.CreateAsync();
        int calls = scene.Mcp.Calls.Count;
        PaymentLink second = await scene.Host.CreateAsync();
        Assert.Equal((first.Id, true, calls), (second.Id, second.IsReplay, scene.Mcp.Calls.Count));
    }

    [Fact]
    public async Task CreateAsync_SeveralItems_AreSummedUpIntoOneLine()
    {
        await using var scene = new Scene();
        await scene.Host.CreateAsync(McpHost.Order() with
        {
            Items = [new PaymentLineItem("Beer", Money.Create(500, "usd"), 2), new PaymentLineItem(
                "Tip", Money.Create(250, "usd"), 1)],
        });
        Assert.Equal(1250, Assert.Single(scene.Stripe.Links).AmountTotal);
    }

    [Fact]
    public async Task Capabilities_OnceConnected_PromiseNothing()
    {
        await using var scene = new Scene();
        await scene.Host.Gateway.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(new GatewayCapabilities(), scene.Host.Gateway.Capabilities);
    }

    [Fact]
    public async Task ProbeAsync_RefusedKey_IsNoSuccess()
    {
        await using var scene = new Scene(options => options.ApiKey = "sk_test_other");
        GatewayResult<bool> probe = await scene.Host.Gateway.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(GatewayFailureKind.BadAnswer, probe.Failure?.Kind);
        Assert.Equal("The Stripe MCP server sent a sentence instead of the object (Failed to retrieve balance); "
            + "it does not say why. The Stripe dashboard's log does.",
            probe.Failure?.Message);
    }

    [Fact]
    public async Task CreateLinkAsync_RefusedByStripe_IsAFailureThoughTheToolSucceeds()
    {
        await using var scene = new Scene();
        GatewayResult<GatewayLink> link = await scene.Host.Gateway.CreateLinkAsync(
            McpHost.LinkRequest("price_unknown"), TestContext.Current.CancellationToken);
        Assert.Equal(GatewayFailureKind.BadAnswer, link.Failure?.Kind);
    }

    [Theory]
    [InlineData(McpFault.SentenceBefore)]
    [InlineData(McpFault.SentenceAfter)]
    [InlineData(McpFault.HangAfter)]
    [InlineData(McpFault.BreakAfter)]
    [InlineData(McpFault.EmptyAfter)]
    [InlineData(McpFault.TruncatedAfter)]
    [InlineData(McpFault.OversizedAfter)]
    [InlineData(McpFault.ServerErrorAfter)]
    public async Task CreateAsync_LinkOfUnknownOutcome_IsMarkedAndNeverRepeated(object fault)
    {
        await using var scene = new Scene();
        scene.Mcp.NextFault = call => call.Tool == "create_payment_link" ? (McpFault)fault : McpFault.None;
        Assert.Equal(PaymentError.Uncertain, (await scene.Host.FailsAsync()).Error);
        Assert.Equal(PaymentError.Uncertain, (await scene.Host.FailsAsync()).Error);
        ReconciliationReport report =
            await scene.Host.RunAsync(scene.Host.Links.ReconcileAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1, report.Remaining);
        Assert.Single(scene.Mcp.Operations, "create_payment_link");
        Assert.True(scene.Stripe.Links.Count <= 1);
    }

    [Fact]
    public async Task CreateAsync_RateLimitedBeforeTheLink_IsRepeated()
    {
        await using var scene = new Scene();
        int count = 0;
        scene.Mcp.NextFault = call =>
            call.Tool == "create_payment_link" && ++count == 1 ? McpFault.RateLimited : McpFault.None;
        PaymentLink link = await scene.Host.CreateAsync();
        Assert.Equal(link.Id, Assert.Single(scene.Stripe.Links).Id);
    }

    [Fact]
    public async Task FindLinkAsync_NamedTools_SaysThatItCannot()
    {
        await using var scene = new Scene();
        GatewayResult<GatewayLink?> found =
            await scene.Host.Gateway.FindLinkAsync(new GatewayLinkQuery("tag1"), TestContext.Current.CancellationToken);
        Assert.Equal(GatewayFailureKind.NotSupported, found.Failure?.Kind);
    }

    private sealed class Scene : IAsyncDisposable
    {
        public Scene(Action<StripeFakeOptions>? stripe = null)
        {
            var clock = new VirtualClock();
            Stripe = new StripeFake(options =>
            {
                options.Time = clock;
                stripe?.Invoke(options);
            });
            Mcp = new McpFake(McpGeneration.Named, Stripe);
            Host = new McpHost(Mcp, clock);
        }

        public StripeFake Stripe { get; }

        public McpFake Mcp { get; }

        public McpHost Host { get; }

        public async ValueTask DisposeAsync()
        {
            await Mcp.DisposeAsync();
            await Host.DisposeAsync();
        }
    }
}
