using Coach.Payments.Gateways;
using Coach.Testing;

namespace Coach.Payments.Mcp.Tests.Toolsets;

public sealed class GenericApiToolsetTests
{
    public static TheoryData<string> Generations => [nameof(McpGeneration.Dispatcher), nameof(McpGeneration.Execute)];

    [Theory]
    [MemberData(nameof(Generations))]
    public async Task CreateAsync_Dispatcher_MakesASingleUseLinkThatCanBeFoundAgain(string generation)
    {
        await using var scene = new Scene(Enum.Parse<McpGeneration>(generation));
        PaymentLink link = await scene.Host.CreateAsync(McpHost.Order() with
        {
            RedirectUrl = new Uri("https://bar.example/thanks"),
            Items = [new PaymentLineItem("Beer", Money.Create(500, "usd"), 2), new PaymentLineItem(
                "Tip", Money.Create(250, "usd"), 1)],
        });

        StripeFakeLink made = Assert.Single(scene.Stripe.Links);
        Assert.Equal((made.Id, false, 1250L, 1), (link.Id, link.IsReusable, made.AmountTotal, made.CompletedLimit));
        Assert.Equal(2, made.Lines.Count);
        Assert.Equal("order-1:1", made.Metadata[PaymentMetadata.OperationKey]);
        StripeFakePrice price = scene.Stripe.Prices[0];
        Assert.Equal("coach_" + made.Metadata[PaymentMetadata.Tag], price.LookupKey);
        Assert.Equal(made.Id, price.Metadata[PaymentMetadata.Link]);
    }

    [Fact]
    public async Task CreateAsync_Dispatcher_ActsForTheTestAccountInTestMode()
    {
        await using var scene = new Scene();
        await scene.Host.CreateAsync();
        Assert.Equal(
            ["list_available_accounts_or_orgs", "GetBalance", "PostPrices", "PostPaymentLinks", "PostPricesPrice"],
            scene.Mcp.Operations);
        Assert.All(scene.Mcp.Calls.Skip(1), call =>
            Assert.Equal(
                ("acct_test", false),
                (call.Arguments["stripe_context"]!.GetValue<string>(), call.Arguments["livemode"]!.GetValue<bool>())));
        Assert.DoesNotContain(scene.Mcp.Calls, call => call.Parameters.ContainsKey("idempotency_key"));
    }

    [Fact]
    public async Task Capabilities_Dispatcher_LackIdempotencyKeysOnly()
    {
        await using var scene = new Scene();
        Assert.Equal(
            new GatewayCapabilities { CanFindLinks = true, CanDeactivate = true, CanListSessions = true },
            scene.Host.Gateway.Capabilities);
        await scene.Host.Gateway.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(GatewayCapabilities.Full with { HasIdempotencyKeys = false }, scene.Host.Gateway.Capabilities);
    }

    [Theory]
    [InlineData(McpFault.BreakAfter)]
    [InlineData(McpFault.HangAfter)]
    [InlineData(McpFault.ErrorAfter)]
    [InlineData(McpFault.TruncatedAfter)]
    [InlineData(McpFault.EmptyAfter)]
    public async Task CreateAsync_AnswerOfThePriceLost_FindsItByItsLookupKey(object fault)
    {
        await using var scene = new Scene();
        int count = 0;
        scene.Mcp.NextFault = call => call.Operation == "PostPrices" && ++count == 1 ? (McpFault)fault : McpFault.None;
        PaymentLink link = await scene.Host.CreateAsync();
        Assert.Equal(link.Id, Assert.Single(scene.Stripe.Links).Id);
        Assert.Single(scene.Stripe.Prices);
        Assert.Contains("GetPrices", scene.Mcp.Operations);
    }

    [Theory]
    [InlineData(McpFault.BreakAfter)]
    [InlineData(McpFault.HangAfter)]
    [InlineData(McpFault.ErrorAfter)]
    [InlineData(McpFault.TruncatedAfter)]
    public async Task CreateAsync_AnswerOfTheLinkLost_IsMarkedAndThenFoundByItsMetadata(object fault)
    {
        await using var scene = new Scene();
        int count = 0;
        scene.Mcp.NextFault = call =>
            call.Operation == "PostPaymentLinks" && ++count == 1 ? (McpFault)fault : McpFault.None;
        Assert.Equal(PaymentError.Uncertain, (await scene.Host.FailsAsync()).Error);
        ReconciliationReport report =
            await scene.Host.RunAsync(scene.Host.Links.ReconcileAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1, report.Settled);
        Assert.Equal((await scene.Host.CreateAsync()).Id, Assert.Single(scene.Stripe.Links).Id);
    }

    [Fact]
    public async Task CreateAsync_RequestOfTheLinkLost_IsRepeatedOnlyAfterTheSettleDelay()
    {
        await using var scene = new Scene();
        int count = 0;
        scene.Mcp.NextFault = call =>
            call.Operation == "PostPaymentLinks" && ++count == 1 ? McpFault.BreakBefore : McpFault.None;
        Assert.Equal(PaymentError.Uncertain, (await scene.Host.FailsAsync()).Error);
        Assert.Equal(PaymentError.Uncertain, (await scene.Host.FailsAsync()).Error);
        Assert.Empty(scene.Stripe.Links);
        scene.Host.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal((await scene.Host.CreateAsync()).Id, Assert.Single(scene.Stripe.Links).Id);
    }

    [Fact]
    public async Task CreateAsync_ApprovalNeeded_IsReportedAndNeverASuccess()
    {
        await using var scene = new Scene(key: McpHost.LiveKey);
        scene.Mcp.NextFault = call => call.Operation == "PostPaymentLinks" ? McpFault.NeedsConfirmation : McpFault.None;
        PaymentException exception = await scene.Host.FailsAsync();
        Assert.Equal(PaymentError.Unavailable, exception.Error);
        Assert.Contains(
            "wants a person to approve this write, and nothing was done", exception.Message, StringComparison.Ordinal);
        Assert.Empty(scene.Stripe.Links);
    }

    [Fact]
    public async Task CreateAsync_ApprovalNeededWithATestKey_FallsBackToASimulatedLink()
    {
        await using var scene = new Scene();
        scene.Mcp.NextFault = call => call.Operation == "PostPrices" ? McpFault.NeedsConfirmation : McpFault.None;
        Assert.True((await scene.Host.CreateAsync()).IsSimulated);
    }

    [Fact]
    public async Task CreateAsync_OlderPathParameter_IsLearntFromTheRefusal()
    {
        await using var scene = new Scene();
        scene.Mcp.Tools.PathName = "payment_link";
        string id = (await scene.Host.CreateAsync()).Id;
        Assert.NotNull(
            (
                await scene.Host.Gateway.FindLinkAsync(
                    new GatewayLinkQuery("", id), TestContext.Current.CancellationToken)).Value);
        Assert.NotNull(
            (
                await scene.Host.Gateway.FindLinkAsync(
                    new GatewayLinkQuery("", id), TestContext.Current.CancellationToken)).Value);
        Assert.Equal(3, scene.Mcp.Operations.Count(operation => operation == "GetPaymentLinksPaymentLink"));
    }

    [Fact]
    public async Task CreateAsync_OperationsWithheld_StillMakesTheLink()
    {
        await using var scene = new Scene();
        scene.Mcp.Tools.Withheld.UnionWith(["GetBalance", "PostPricesPrice"]);
        Assert.Equal((await scene.Host.CreateAsync()).Id, Assert.Single(scene.Stripe.Links).Id);
    }

    [Fact]
    public async Task GetStatusAsync_PaidLink_Succeeds()
    {
        await using var scene = new Scene();
        PaymentLink link = await scene.Host.CreateAsync();
        scene.Stripe.Pay(link.Id);
        Assert.Equal(
            PaymentStatus.Succeeded,
            (
                await scene.Host
                    .RunAsync(scene.Host.Links.GetStatusAsync(link.Id, TestContext.Current.CancellationToken))).Status);
    }

    [Fact]
    public async Task DeactivateAsync_OpenVisit_ClosesTheLinkAndEndsTheVisit()
    {
        await using var scene = new Scene();
        PaymentLink link = await scene.Host.CreateAsync();
        scene.Stripe.OpenSession(link.Id);
        PaymentLink closed =
            await scene.Host.RunAsync(scene.Host.Links.DeactivateAsync(link.Id, TestContext.Current.CancellationToken));
        Assert.Equal(
            (PaymentStatus.Expired, false, "expired"),
            (closed.Status, scene.Stripe.Links[0].IsActive, scene.Stripe.Sessions[0].Status));
    }

    [Fact]
    public async Task FindLinkAsync_ManyLinks_ReadsEveryPage()
    {
        await using var scene = new Scene();
        GatewayPrice price = (
            await scene.Host.Gateway.CreatePriceAsync(
                McpHost.PriceRequest(), TestContext.Current.CancellationToken)).Value!;
        for (int i = 0; i < 230; i++)
        {
            await scene.Host.Gateway.CreateLinkAsync(
                McpHost.LinkRequest(price.Id, $"tag{i}"), TestContext.Current.CancellationToken);
        }

        scene.Mcp.Calls.Clear();
        GatewayLink? found = (
            await scene.Host.Gateway.FindLinkAsync(
                new GatewayLinkQuery("tag7"), TestContext.Current.CancellationToken)).Value;
        Assert.Equal(scene.Stripe.Links[7].Id, found?.Id);
        Assert.Equal(3, scene.Mcp.Calls.Count);
        GatewayResult<GatewayLink?> none = await scene.Host.Gateway.FindLinkAsync(
            new GatewayLinkQuery("other"), TestContext.Current.CancellationToken);
        Assert.True(none.TryGet(out GatewayLink? nothing, out _) && nothing is null);
    }

    [Fact]
    public async Task FindLinkAsync_MorePagesThanAllowed_FailsRatherThanMiss()
    {
        await using var scene = new Scene(configure: options => options.MaxPages = 1);
        GatewayPrice price = (
            await scene.Host.Gateway.CreatePriceAsync(
                McpHost.PriceRequest(), TestContext.Current.CancellationToken)).Value!;
        for (int i = 0; i < 101; i++)
        {
            await scene.Host.Gateway.CreateLinkAsync(
                McpHost.LinkRequest(price.Id, $"tag{i}"), TestContext.Current.CancellationToken);
        }

        GatewayResult<GatewayLink?> found =
            await scene.Host.Gateway.FindLinkAsync(new GatewayLinkQuery("tag0"), TestContext.Current.CancellationToken);
        Assert.Equal("The list is longer than 1 pages. Raise Coach:Payments:Mcp:MaxPages.", found.Failure?.Message);
    }

    [Theory]
    [InlineData("""{"accounts":[{"stripe_context":"acct_a","livemode":false},{"stripe_context":"acct_b","livemode":false}]}""", null,
        "The Stripe MCP server lists several accounts. Name one in Coach:Payments:Mcp:StripeContext.")]
    [InlineData("""{"accounts":[{"stripe_context":"acct_a","livemode":true}]}""", null, "The Stripe MCP server lists no test account for this key.")]
    [InlineData("""{"accounts":[{"stripe_context":"acct_a","livemode":false}]}""", "acct_c",
        "The Stripe MCP server does not list Coach:Payments:Mcp:StripeContext among its test accounts. Correct "
        + "it, or use another key.")]
    public async Task ProbeAsync_AccountNotClear_IsRefusedBeforeAnyOperation(
        string accounts, string? context, string message)
    {
        await using var scene = new Scene(configure: options => options.StripeContext = context);
        scene.Mcp.Tools.Accounts = accounts;
        GatewayFailure? failure = (await scene.Host.Gateway.ProbeAsync(TestContext.Current.CancellationToken)).Failure;
        Assert.Equal((GatewayFailureKind.NotSupported, message), (failure?.Kind, failure?.Message));
        Assert.Equal(["list_available_accounts_or_orgs"], scene.Mcp.Operations);
    }

    [Fact]
    public async Task CreatePriceAsync_AccountNamed_ActsForIt()
    {
        await using var scene = new Scene(configure: options => options.StripeContext = "acct_b");
        scene.Mcp.Tools.Accounts = """{"accounts":[{"stripe_context":"acct_a","livemode":false},{"stripe_context":"acct_b","livemode":false}]}""";
        await scene.Host.Gateway.CreatePriceAsync(McpHost.PriceRequest(), TestContext.Current.CancellationToken);
        Assert.Equal("acct_b", scene.Mcp.Calls[^1].Arguments["stripe_context"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(McpGeneration.Named)]
    [InlineData(McpGeneration.Execute)]
    public async Task ProbeAsync_AccountNamedButToolsTakeNone_IsRefused(object generation)
    {
        await using var scene =
            new Scene((McpGeneration)generation, configure: options => options.StripeContext = "acct_b");
        GatewayFailure? failure = (await scene.Host.Gateway.ProbeAsync(TestContext.Current.CancellationToken)).Failure;
        Assert.Equal(GatewayFailureKind.NotSupported, failure?.Kind);
        Assert.Empty(scene.Mcp.Calls);
    }

    [Fact]
    public async Task CreatePriceAsync_LookupKeyTaken_SaysSo()
    {
        await using var scene = new Scene();
        GatewayPrice price = (
            await scene.Host.Gateway.CreatePriceAsync(
                McpHost.PriceRequest(), TestContext.Current.CancellationToken)).Value!;
        Assert.Equal(GatewayFailureKind.AlreadyExists,
            (
                await scene.Host.Gateway.CreatePriceAsync(
                    McpHost.PriceRequest(), TestContext.Current.CancellationToken)).Failure?.Kind);
        GatewayPrice? found =
            (await scene.Host.Gateway.FindPriceAsync("coach_tag1", TestContext.Current.CancellationToken)).Value;
        Assert.Equal(
            (price.Id, Money.Create(1250, "usd"), "hash1", false),
            (found?.Id, found?.Amount, found?.RequestHash, found?.IsNew));
    }

    [Fact]
    public async Task ProbeAsync_RefusedKey_IsUnauthorized()
    {
        await using var scene = new Scene(stripe: options => options.ApiKey = "sk_test_other");
        Assert.Equal(
            GatewayFailureKind.Unauthorized,
            (await scene.Host.Gateway.ProbeAsync(TestContext.Current.CancellationToken)).Failure?.Kind);
    }

    private sealed class Scene : IAsyncDisposable
    {
        public Scene(
            McpGeneration generation = McpGeneration.Dispatcher, Action<StripeMcpOptions>? configure = null,
            Action<StripeFakeOptions>? stripe = null,
            string key = McpHost.TestKey)
        {
            var clock = new VirtualClock();
            Stripe = new StripeFake(options =>
            {
                options.Time = clock;
                stripe?.Invoke(options);
            });
            Mcp = new McpFake(generation, Stripe, key);
            Host = new McpHost(Mcp, clock, key, configure: options =>
            {
                options.MaxResultLength = 1024 * 1024;
                configure?.Invoke(options);
            });
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
