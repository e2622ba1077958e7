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
        Assert.Equal("The Stripe MCP server sent a sentence instead of the object; it does not say why. The Stripe "
            + "dashboard's log does.",
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
    public async Task SettleAsync_LinkFoundByHand_IsTheOperationsFromThenOn()
    {
        await using var scene = new Scene();
        await FailOnceAsync(scene, McpFault.BreakAfter);
        StripeFakeLink made = Assert.Single(scene.Stripe.Links);
        int calls = scene.Mcp.Calls.Count;
        var found = new PaymentSettlement { OperationKey = "order-1:1", LinkId = made.Id, Url = new Uri(made.Url) };

        PaymentLink? link = await scene.Host.Links.SettleAsync(found, TestContext.Current.CancellationToken);
        PaymentLink? again = await scene.Host.Links.SettleAsync(found, TestContext.Current.CancellationToken);
        PaymentLink replay = await scene.Host.CreateAsync();
        PaymentException other = await Assert.ThrowsAsync<PaymentException>(() => scene.Host.Links.SettleAsync(
            found with { LinkId = "plink_other" }, TestContext.Current.CancellationToken));

        Assert.Equal((made.Id, made.Id, made.Id), (link!.Id, again!.Id, replay.Id));
        Assert.Equal((true, false), (link.IsReusable, link.NeedsReconciliation));
        Assert.Equal(calls, scene.Mcp.Calls.Count);
        Assert.Equal(PaymentError.RequestInvalid, other.Error);
        Assert.Equal(0, (await scene.Host.Links.ReconcileAsync(TestContext.Current.CancellationToken)).Remaining);
    }

    [Fact]
    public async Task SettleAsync_NoneWasMade_LetsTheKeyMakeOne()
    {
        await using var scene = new Scene();
        await FailOnceAsync(scene, McpFault.SentenceBefore);
        Assert.Empty(scene.Stripe.Links);
        Assert.Null(await scene.Host.Links.SettleAsync(
            new PaymentSettlement { OperationKey = "order-1:1" }, TestContext.Current.CancellationToken));

        PaymentLink link = await scene.Host.CreateAsync();
        PaymentException late = await Assert.ThrowsAsync<PaymentException>(() => scene.Host.Links.SettleAsync(
            new PaymentSettlement { OperationKey = "order-1:1" }, TestContext.Current.CancellationToken));

        Assert.Equal(Assert.Single(scene.Stripe.Links).Id, link.Id);
        Assert.Equal(PaymentError.RequestInvalid, late.Error);
    }

    [Theory]
    [InlineData("plink_1", null)]
    [InlineData(null, "https://buy.stripe.com/a")]
    [InlineData("plink_1", "http://buy.stripe.com/a")]
    [InlineData("plink_1", "https://user@buy.stripe.com/a")]
    [InlineData("plink_<script>", "https://buy.stripe.com/a")]
    [InlineData("", "https://buy.stripe.com/a")]
    public async Task SettleAsync_WhatIsNoLink_IsRefused(string? id, string? url)
    {
        await using var scene = new Scene();
        await FailOnceAsync(scene, McpFault.BreakAfter);
        var found = new PaymentSettlement
        {
            OperationKey = "order-1:1",
            LinkId = id,
            Url = url is null ? null : new Uri(url),
        };
        PaymentException refused = await Assert.ThrowsAsync<PaymentException>(
            () => scene.Host.Links.SettleAsync(found, TestContext.Current.CancellationToken));

        Assert.Equal(PaymentError.RequestInvalid, refused.Error);
        Assert.Equal(1, (await scene.Host.Links.ReconcileAsync(TestContext.Current.CancellationToken)).Remaining);
    }

    [Fact]
    public async Task SettleAsync_OperationThatIsNotKnown_IsNotFound()
    {
        await using var scene = new Scene();
        PaymentException refused = await Assert.ThrowsAsync<PaymentException>(() => scene.Host.Links.SettleAsync(
            new PaymentSettlement { OperationKey = "order-9:1" }, TestContext.Current.CancellationToken));
        Assert.Equal(PaymentError.LinkNotFound, refused.Error);
    }

    private static async Task FailOnceAsync(Scene scene, McpFault fault)
    {
        int count = 0;
        scene.Mcp.NextFault = call =>
            call.Tool == "create_payment_link" && ++count == 1 ? fault : McpFault.None;
        Assert.Equal(PaymentError.Uncertain, (await scene.Host.FailsAsync()).Error);
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
