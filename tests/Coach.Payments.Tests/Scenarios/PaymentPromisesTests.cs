using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>What a payment must never do: be made twice, be lost, be hidden, or be taken for another.</summary>
public sealed class PaymentPromisesTests
{
    private const string LinksPath = "/v1/payment_links";

    [Fact]
    public async Task ProbeCreateAndPoll_AreRealRequests()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        await host.RunAsync(host.Links.GetStatusAsync(link.Id));

        Assert.Single(host.Sent("GET", "/v1/balance"));
        Assert.Single(host.Sent("POST", LinksPath));
        Assert.Equal(
            $"payment_link={link.Id}&limit=100", Assert.Single(host.Sent("GET", "/v1/checkout/sessions")).Query);
    }

    [Fact]
    public async Task AskingAgainLater_IsTheSameOperation()
    {
        using var host = new PaymentHost();
        PaymentLink first = await host.CreateAsync();
        host.Clock.Advance(TimeSpan.FromDays(3));

        Assert.Equal(first.Id, (await host.CreateAsync()).Id);
    }

    [Fact]
    public async Task ManyLinksInOneMoment_HaveIdsOfTheirOwn()
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
    public async Task RefusedKey_IsReportedAtOnceAndNeverHidden(string key)
    {
        var clock = new VirtualClock();
        using var host = new PaymentHost(new StripeFake(options => (options.Time, options.ApiKey) = (clock, "sk_test_another")), clock, key: key);
        long start = clock.GetTimestamp();

        PaymentException exception = await host.FailsAsync();

        Assert.Equal(PaymentError.Rejected, exception.Error);
        Assert.Equal("Stripe refused STRIPE_API_KEY (401). Check that it is a current secret or restricted key "
            + "of the right account.", exception.Message);
        Assert.Equal(start, clock.GetTimestamp());
    }

    [Fact]
    public async Task Errors_HaveClassesWaitsHaveJitterAndCallersCanLeave()
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

        Assert.Equal(
            (PaymentError.Unavailable, true, TimeSpan.FromSeconds(60)),
            (limited.Error, limited.IsTransient, limited.RetryAfter!.Value));
        Assert.Equal(
            (PaymentError.Rejected, false, "card_declined"),
            (refused.Error, refused.IsTransient, refused.ProviderCode));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task UnknownOutcome_IsMarkedAndSettled()
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
    public async Task LinkThatCouldNotBeRecorded_ReachesTheCallerAndIsSettledLater()
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
    public async Task PaidAmount_IsComparedAndCompletingTwiceChangesNothing()
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
    public async Task SecondTabOfTheSameSession_GetsALinkOfItsOwn()
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
    public async Task SimulatedPayment_CanSucceed()
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
    public async Task TimeoutOfTheLinkStep_IsNeverCoveredByASimulatedLink()
    {
        using var host = new PaymentHost(key: PaymentHost.TestKey);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath, times: 5);

        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
    }

    private sealed class FailingStore(MemoryIdempotencyStore inner) : StoreWrapper(inner)
    {
        public bool FailsWhenCompleted { get; set; }

        public override ValueTask<PaymentRecord?> TryUpdateAsync(
            PaymentRecord record, CancellationToken cancellationToken = default) =>
            FailsWhenCompleted && record.State == PaymentRecordState.Completed
                ? throw new IOException("No space left on device")
                : base.TryUpdateAsync(record, cancellationToken);
    }
}
