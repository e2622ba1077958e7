using Coach.Abstractions;
using Coach.Testing;

namespace Coach.Payments.Tests.Links;

/// <summary>What the system this replaces got wrong, one test each (facts on Stripe, §9).</summary>
public sealed class WeaknessTests
{
    private const string LinksPath = "/v1/payment_links";

    [Fact]
    public async Task Weakness01_ProbeCreateAndPoll_AreRealRequests()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        await host.RunAsync(host.Links.GetStatusAsync(link.Id));

        Assert.Single(host.Sent("GET", "/v1/balance"));
        Assert.Single(host.Sent("POST", LinksPath));
        Assert.Equal($"payment_link={link.Id}&limit=100", Assert.Single(host.Sent("GET", "/v1/checkout/sessions")).Query);
    }

    [Fact]
    public async Task Weakness02_AskingAgainLater_IsTheSameOperation()
    {
        using var host = new PaymentHost();
        PaymentLink first = await host.CreateAsync();
        host.Clock.Advance(TimeSpan.FromDays(3));

        Assert.Equal(first.Id, (await host.CreateAsync()).Id);
    }

    [Theory]
    [InlineData("session-with-dashes_1:7", true)]
    [InlineData("order.1/2 (second try)", true)]
    [InlineData("", false)]
    [InlineData(" x", false)]
    [InlineData("tab\u0000", false)]
    [InlineData("straße", false)]
    public async Task Weakness03_OperationKeys_AreOpaqueOrRefusedAloud(string key, bool isAccepted)
    {
        using var host = new PaymentHost();
        if (isAccepted)
        {
            PaymentLink link = await host.CreateAsync(PaymentHost.Order(key));
            Assert.Equal(link.Id, (await host.Links.FindAsync(link.Id))!.Id);
            return;
        }

        PaymentException exception = await host.FailsAsync(PaymentHost.Order(key));
        Assert.Equal(PaymentError.RequestInvalid, exception.Error);
        Assert.Equal("ERR_REQUEST_INVALID", exception.Code);
        Assert.Empty(host.Fake.Requests);
    }

    [Fact]
    public async Task Weakness04_ManyLinksInOneMoment_HaveIdsOfTheirOwn()
    {
        using var real = new PaymentHost();
        using var simulated = new PaymentHost(mode: "mock");
        var ids = new HashSet<string>();
        for (int i = 0; i < 50; i++)
        {
            Assert.True(ids.Add((await real.CreateAsync(PaymentHost.Order($"order-{i}"))).Id));
            Assert.True(ids.Add((await simulated.CreateAsync(PaymentHost.Order($"order-{i}"))).Id));
        }
    }

    [Theory]
    [InlineData(PaymentHost.TestKey)]
    [InlineData(PaymentHost.LiveKey)]
    public async Task Weakness05_RefusedKey_IsReportedAtOnceAndNeverHidden(string key)
    {
        var clock = new VirtualClock();
        using var host = new PaymentHost(new StripeFake(options => (options.Time, options.ApiKey) = (clock, "sk_test_another")), clock, key: key);
        long start = clock.GetTimestamp();

        PaymentException exception = await host.FailsAsync();

        Assert.Equal(PaymentError.Rejected, exception.Error);
        Assert.Equal("Stripe refused STRIPE_API_KEY (401). Check that it is a current secret or restricted key of the right account.", exception.Message);
        Assert.Equal(start, clock.GetTimestamp());
    }

    [Fact]
    public async Task Weakness06_HungProbe_EndsAfterFiveSecondsAndCountsAsDown()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "GET", "/v1/balance");
        long start = host.Clock.GetTimestamp();

        PaymentLink link = await host.CreateAsync();

        Assert.True(link.IsSimulated);
        Assert.Equal(TimeSpan.FromSeconds(5).Ticks, host.Clock.GetTimestamp() - start);
    }

    [Fact]
    public async Task Weakness07_Errors_HaveClassesWaitsHaveJitterAndCallersCanLeave()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(StripeFault.RateLimited("60"), "POST", LinksPath);
        PaymentException limited = await host.FailsAsync();
        host.Fake.Inject(StripeFault.Status(402) with { Code = "card_declined" }, "POST", LinksPath);
        PaymentException refused = await host.FailsAsync();
        host.Fake.Inject(StripeFault.Status(503), "POST", LinksPath);
        using var leaves = new CancellationTokenSource();
        Task<PaymentLink> call = host.Links.CreateAsync(PaymentHost.Order(), leaves.Token);
        await leaves.CancelAsync();

        Assert.Equal((PaymentError.Unavailable, true, TimeSpan.FromSeconds(60)), (limited.Error, limited.IsTransient, limited.RetryAfter!.Value));
        Assert.Equal((PaymentError.Rejected, false, "card_declined"), (refused.Error, refused.IsTransient, refused.ProviderCode));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task Weakness08_UnknownOutcome_IsMarkedAndSettled()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.HangAfterEffect), "POST", LinksPath);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath);

        PaymentException exception = await host.FailsAsync();

        Assert.Equal("ERR_PAYMENT_UNCERTAIN", exception.Code);
        Assert.True(exception.IsTransient);
        PaymentRecord record = Assert.Single(await host.Store.ListUnsettledAsync(10));
        Assert.True(record.NeedsReconciliation);
        Assert.Equal("timed_out", record.ReconciliationReason);
        Assert.Equal(new ReconciliationReport(1, 1, 0), await host.RunAsync(host.Links.ReconcileAsync()));
        Assert.Equal(Assert.Single(host.Fake.Links).Id, (await host.CreateAsync()).Id);
        Assert.Equal(new ReconciliationReport(0, 0, 0), await host.RunAsync(host.Links.ReconcileAsync()));
    }

    [Fact]
    public async Task Weakness08_LinkThatCouldNotBeRecorded_ReachesTheCallerAndIsSettledLater()
    {
        var clock = new VirtualClock();
        var store = new FailingStore(new MemoryIdempotencyStore(clock));
        using var host = new PaymentHost(clock: clock, store: store);
        store.FailsWhenCompleted = true;

        PaymentLink link = await host.CreateAsync();

        Assert.True(link.NeedsReconciliation);
        Assert.Equal(Assert.Single(host.Fake.Links).Id, link.Id);
        store.FailsWhenCompleted = false;
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, (await host.RunAsync(host.Links.ReconcileAsync())).Settled);
        Assert.Equal(link.Id, (await host.Links.FindAsync(link.Id))!.Id);
        Assert.Single(host.Fake.Links);
    }

    [Fact]
    public async Task Weakness09_PaidAmount_IsComparedAndCompletingTwiceChangesNothing()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Complete(host.Fake.OpenSession(link.Id)!.Id, amount: 1000);

        PaymentLink now = await host.RunAsync(host.Links.GetStatusAsync(link.Id));

        Assert.Equal(PaymentStatus.Pending, now.Status);
        Assert.True(now.HasAmountMismatch);
        Assert.Equal(1000, now.PaidMinorUnits);
        Assert.Null(host.Fake.OpenSession(link.Id));
    }

    [Fact]
    public async Task Weakness10_SecondTabOfTheSameSession_GetsALinkOfItsOwn()
    {
        using var host = new PaymentHost();
        PaymentLink first = await host.CreateAsync(PaymentHost.Order("tab-1:1", owner: "session"));
        host.Fake.Pay(first.Id);
        await host.RunAsync(host.Links.GetStatusAsync(first.Id));

        PaymentLink second = await host.CreateAsync(PaymentHost.Order("tab-2:1", owner: "session"));

        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(PaymentStatus.Pending, second.Status);
    }

    [Fact]
    public async Task Weakness11_Amounts_AreExactAndAWrongOneSendsNothing()
    {
        using var host = new PaymentHost();
        Money tab = Money.Sum("usd", Enumerable.Repeat(Money.Parse("0.10 USD"), 10));
        Assert.Equal((100, 13), (tab.MinorUnits, Money.Parse("1.25 USD").Percent(10).MinorUnits));

        Assert.Equal(PaymentError.RequestInvalid, (await host.FailsAsync(PaymentHost.Order() with { Amount = default })).Error);
        Assert.Equal(PaymentError.RequestInvalid, (await host.FailsAsync(PaymentHost.Order(amount: 0))).Error);
        Assert.Equal(PaymentError.RequestInvalid,
            (await host.FailsAsync(PaymentHost.Order() with { Items = [new PaymentLineItem("Beer", Money.Create(1249, "usd"))] })).Error);
        Assert.Empty(host.Fake.Requests);
        await host.CreateAsync(PaymentHost.Order("yen", 1250, "jpy"));
        Assert.Equal((1250L, "jpy"), (host.Fake.Links[0].AmountTotal, host.Fake.Links[0].Currency));
    }

    [Fact]
    public async Task Weakness12_SimulatedPayment_CanSucceed()
    {
        using var host = new PaymentHost(mode: "mock");
        PaymentLink link = await host.CreateAsync();
        Assert.Equal(PaymentStatus.Pending, (await host.RunAsync(host.Links.GetStatusAsync(link.Id))).Status);

        PaymentLink paid = await host.RunAsync(host.Links.WaitAsync(link.Id));

        Assert.Equal(PaymentStatus.Succeeded, paid.Status);
        Assert.True(paid.IsSimulated);
        Assert.Empty(host.Fake.Requests);
    }

    [Fact]
    public async Task Weakness12_TimeoutOfTheLinkStep_IsNeverCoveredByASimulatedLink()
    {
        using var host = new PaymentHost(key: PaymentHost.TestKey);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath, times: 5);

        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
    }

    [Fact]
    public async Task Weakness13_LiveKeyWithTestModeOnly_IsRefusedWithoutARequest()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey, configure: options => options.TestModeOnly = true);

        PaymentException exception = await host.FailsAsync();

        Assert.Equal("ERR_PAYMENTS_UNAVAILABLE", exception.Code);
        Assert.Empty(host.Fake.Requests);
        Assert.Equal(ComponentState.Degraded, (await host.Health.CheckAsync()).State);
    }

    [Fact]
    public async Task Weakness14_ConcurrentCallers_ProbeOnceAndAFailureIsForgottenSooner()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Refuse), "GET", "/v1/balance");
        Task<PaymentLink>[] calls = [.. Enumerable.Range(0, 20).Select(i => host.Links.CreateAsync(PaymentHost.Order($"order-{i}")))];
        await host.Clock.RunUntilAsync(Task.WhenAll(calls));
        Assert.All(calls, call => Assert.True(call.Result.IsSimulated));
        Assert.Single(host.Sent("GET", "/v1/balance"));

        host.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.False((await host.CreateAsync(PaymentHost.Order("order-99"))).IsSimulated);
        host.Clock.Advance(TimeSpan.FromSeconds(29));
        await host.CreateAsync(PaymentHost.Order("order-100"));
        Assert.Equal(2, host.Sent("GET", "/v1/balance").Count);
    }

    [Theory]
    [InlineData("auto", null, true, true)]
    [InlineData("real", null, true, false)]
    [InlineData("auto", null, false, false)]
    [InlineData("auto", PaymentHost.TestKey, true, true)]
    [InlineData("auto", PaymentHost.TestKey, false, false)]
    [InlineData("auto", PaymentHost.LiveKey, true, false)]
    [InlineData("real", PaymentHost.LiveKey, true, false)]
    [InlineData("real", "rk_test_1", true, true)]
    [InlineData("real", "rk_live_1", true, false)]
    [InlineData("real", "some_other_key", true, false)]
    [InlineData("mock", PaymentHost.LiveKey, true, true)]
    public async Task Fallback_WhileTheProviderIsDown_OnlyWherePolicyAllows(string mode, string? key, bool allow, bool isSimulated)
    {
        using var host = new PaymentHost(key: key, mode: mode, configure: options => options.FallBackToSimulated = allow);
        host.Fake.FaultPolicy = _ => StripeFault.Status(503);

        if (isSimulated)
        {
            Assert.True((await host.CreateAsync()).IsSimulated);
        }
        else
        {
            PaymentException exception = await host.FailsAsync();
            Assert.Equal(PaymentError.Unavailable, exception.Error);
            Assert.Equal("ERR_PAYMENTS_UNAVAILABLE", exception.Code);
        }

        Assert.Empty(host.Fake.Links);
    }

    private sealed class FailingStore(MemoryIdempotencyStore inner) : StoreWrapper(inner)
    {
        public bool FailsWhenCompleted { get; set; }

        public override ValueTask<PaymentRecord?> TryUpdateAsync(PaymentRecord record, CancellationToken cancellationToken = default) =>
            FailsWhenCompleted && record.State == PaymentRecordState.Completed ? throw new IOException("No space left on device") : base.TryUpdateAsync(record, cancellationToken);
    }
}
