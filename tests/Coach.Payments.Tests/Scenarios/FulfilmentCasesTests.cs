using System.Globalization;
using System.Text;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>Being told that money came: whatever way it came, whatever fails on the way.</summary>
public sealed class FulfilmentCasesTests
{
    private const string Completed = "checkout.session.completed";

    [Fact]
    public async Task HostsWriteFailsAfterTheWebhook_TheRedeliveryStillTellsWhichLinkIsPaid()
    {
        using var shop = await PaidShop.OpenAsync();
        StripeWebhook webhook = shop.Webhook(Completed, "evt_1");
        await shop.DeliverAsync(webhook);

        WebhookOutcome again = await shop.DeliverAsync(webhook);

        Assert.Equal(WebhookEffect.Duplicate, again.Effect);
        Assert.Equal((shop.Link.Id, PaymentStatus.Succeeded), (again.Link!.Id, again.Link.Status));
        Assert.Equal(PaymentFactKind.Paid, Assert.Single(again.Facts).Kind);
        await shop.DrainAsync();
        Assert.Empty((await shop.DeliverAsync(webhook)).Facts);
    }

    [Theory]
    [InlineData("webhook poll reconcile")]
    [InlineData("poll webhook wait")]
    [InlineData("wait wait webhook")]
    [InlineData("deactivate webhook poll")]
    public async Task WhicheverSeesItFirst_TellsExactlyOnce(string order)
    {
        using var shop = await PaidShop.OpenAsync();
        foreach (string way in order.Split(' '))
        {
            await (way switch
            {
                "webhook" => shop.DeliverAsync(shop.Webhook(Completed)),
                "poll" => shop.Host.RunAsync(shop.Host.Links.GetStatusAsync(shop.Link.Id)),
                "wait" => shop.Host.RunAsync(shop.Host.Links.WaitAsync(shop.Link.Id)),
                "deactivate" => shop.Host.RunAsync(shop.Host.Links.DeactivateAsync(shop.Link.Id)),
                _ => (Task)shop.Host.RunAsync(shop.Host.Links.ReconcileAsync()),
            });
        }

        Assert.Equal([PaymentFactKind.Paid], await shop.DrainAsync());
    }

    [Fact]
    public async Task DelayedThenCardThenTheDelayedArrives_BothPaymentsAreRowsAndTheSecondIsFlagged()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession delayed = host.Fake.OpenSession(link.Id)!;
        StripeFakeSession card = host.Fake.OpenSession(link.Id)!;
        await DeliverAsync(host, SessionEvent(host, link, delayed.Id, "unpaid", "pi_1", "evt_1"));
        await DeliverAsync(host, SessionEvent(host, link, card.Id, "paid", "pi_2", "evt_2"));
        await DeliverAsync(
            host, SessionEvent(host, link, delayed.Id, "paid", "pi_1", "evt_3", "checkout.session.async_payment_succeeded"));

        PaymentLink now = (await host.Links.FindAsync(link.Id))!;

        Assert.True(now.IsOverpaid);
        Assert.Equal(2500, now.ReceivedMinorUnits);
        Assert.Equal(["pi_1", "pi_2"], now.Payments.Select(row => row.PaymentIntentId));
        Assert.All(now.Payments, row => Assert.Equal(PaymentStatus.Succeeded, row.Status));
        Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.Overpaid], await PaidShop.DrainAsync(host));
    }

    [Fact]
    public async Task ReusableLink_EachPayerIsAPaymentOfItsOwn()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync(PaymentHost.Order() with { IsReusable = true });
        for (int payer = 0; payer < 3; payer++)
        {
            await DeliverAsync(host, host.Fake.BuildWebhook(Completed, host.Fake.Pay(link.Id)!.Id));
        }

        Assert.Equal(
            [PaymentFactKind.Paid, PaymentFactKind.Paid, PaymentFactKind.Paid], await PaidShop.DrainAsync(host));
        PaymentLink now = (await host.Links.FindAsync(link.Id))!;
        Assert.Equal((3, 3750L, false), (now.Payments.Count, now.ReceivedMinorUnits, now.IsOverpaid));
    }

    [Theory]
    [InlineData("refund.created", "refund.updated")]
    [InlineData("charge.refunded", "refund.created")]
    [InlineData("refund.created", "charge.refunded")]
    public async Task RefundInTheDashboard_BeforeOrAfterThePayment_IsToldOnceAfterIt(string first, string second)
    {
        foreach (bool isEarly in new[] { false, true })
        {
            using var shop = await PaidShop.OpenAsync();
            StripeFakeRefund refund = shop.Host.Fake.Refund(shop.Session.Id, 400);
            StripeWebhook[] events =
            [
                .. new[] { first, second }.Select(type => type.StartsWith("charge", StringComparison.Ordinal)
                    ? shop.Host.Fake.BuildChargeWebhook(type, shop.Session.Id)
                    : shop.Host.Fake.BuildRefundWebhook(type, refund.Id)),
            ];
            StripeWebhook paid = shop.Webhook(Completed);
            foreach (StripeWebhook webhook in isEarly ? [events[0], paid, events[1]] : new[] { paid, events[0], events[1] })
            {
                await shop.DeliverAsync(webhook);
            }

            PaymentLink link = (await shop.Host.Links.FindAsync(shop.Link.Id))!;
            Assert.Equal((PaymentStatus.Succeeded, 400L), (link.Status, link.RefundedMinorUnits));
            Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.PartlyRefunded], await shop.DrainAsync());
        }
    }

    [Fact]
    public async Task RefundThatFailsLater_IsToldAndTheSumIsExact()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        StripeFakeRefund kept = shop.Host.Fake.Refund(shop.Session.Id, 200);
        StripeFakeRefund failing = shop.Host.Fake.Refund(shop.Session.Id, 300);
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.created", kept.Id));
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.created", failing.Id));
        shop.Host.Clock.Advance(TimeSpan.FromDays(1));
        shop.Host.Fake.FailRefund(failing.Id);
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.failed", failing.Id));

        Assert.Equal(200, (await shop.Host.Links.FindAsync(shop.Link.Id))!.RefundedMinorUnits);
        Assert.Equal(
            [
                PaymentFactKind.Paid, PaymentFactKind.PartlyRefunded, PaymentFactKind.PartlyRefunded,
                PaymentFactKind.RefundFailed,
            ],
            await shop.DrainAsync());
    }

    [Fact]
    public async Task RefundMadeAgainAfterItFailed_IsAFactOfItsOwn()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        for (int i = 0; i < 2; i++)
        {
            StripeFakeRefund failing = shop.Host.Fake.Refund(shop.Session.Id, 300);
            await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.created", failing.Id));
            shop.Host.Clock.Advance(TimeSpan.FromDays(1));
            shop.Host.Fake.FailRefund(failing.Id);
            await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.failed", failing.Id));
        }

        IReadOnlyList<PaymentFact> facts = await PaidShop.FactsAsync(shop.Host);
        Assert.Equal(
            [
                PaymentFactKind.Paid, PaymentFactKind.PartlyRefunded, PaymentFactKind.RefundFailed,
                PaymentFactKind.PartlyRefunded, PaymentFactKind.RefundFailed,
            ],
            facts.Select(fact => fact.Kind));
        Assert.Distinct(facts.Select(fact => fact.Id));
    }

    [Fact]
    public async Task Refund_SameKeyTwiceAndADayLater_GivesBackOnce()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        var request = new PaymentRefundRequest
        {
            LinkId = shop.Link.Id,
            RefundKey = "return-1",
            Amount = Money.Create(300, "usd"),
        };
        shop.Host.Fake.Inject(new StripeFault(StripeFaultKind.LoseAnswer), "POST", "/v1/refunds");
        shop.Host.Fake.Inject(new StripeFault(StripeFaultKind.Refuse), "POST", "/v1/refunds", times: 3);

        PaymentException unknown = await Assert.ThrowsAsync<PaymentException>(
            () => shop.Host.RunAsync(shop.Host.Links.RefundAsync(request)));
        shop.Host.Clock.Advance(TimeSpan.FromDays(2));
        PaymentLink late = await shop.Host.RunAsync(shop.Host.Links.RefundAsync(request));
        PaymentLink again = await shop.Host.RunAsync(shop.Host.Links.RefundAsync(request));
        PaymentException other = await Assert.ThrowsAsync<PaymentException>(() => shop.Host.RunAsync(
            shop.Host.Links.RefundAsync(request with { Amount = Money.Create(301, "usd") })));
        PaymentException tooMuch = await Assert.ThrowsAsync<PaymentException>(() => shop.Host.RunAsync(
            shop.Host.Links.RefundAsync(request with { RefundKey = "return-2", Amount = Money.Create(951, "usd") })));

        Assert.Equal(PaymentError.Uncertain, unknown.Error);
        Assert.Equal((300L, 300L), (late.RefundedMinorUnits, again.RefundedMinorUnits));
        Assert.Equal(PaymentError.IdempotencyConflict, other.Error);
        Assert.Equal(PaymentError.RequestInvalid, tooMuch.Error);
        Assert.Equal(300, Assert.Single(shop.Host.Fake.Refunds).Amount);
        Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.PartlyRefunded], await shop.DrainAsync());
    }

    [Fact]
    public async Task Refund_Whole_IsTold()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));

        PaymentLink link = await shop.Host.RunAsync(shop.Host.Links.RefundAsync(
            new PaymentRefundRequest { LinkId = shop.Link.Id, RefundKey = "all" }));

        Assert.Equal((1250L, PaymentStatus.Succeeded), (link.RefundedMinorUnits, link.Status));
        Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.Refunded], await shop.DrainAsync());
    }

    [Fact]
    public async Task EventOfTheOtherMode_ForALiveOperation_IsRefusedAndCounted()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        PaymentLink link = await host.CreateAsync();
        string tag = host.Fake.Links[0].Metadata["coach_tag"];
        string body = $$$$$"""{"id":"evt_1","type":"{{{{{Completed}}}}}","livemode":false,"data":{"object":{"id":"cs_1","payment_link":"{{{{{link.Id}}}}}","status":"complete","payment_status":"paid","amount_total":1250,"currency":"usd","metadata":{"coach_tag":"{{{{{tag}}}}}"}}}}""";

        WebhookOutcome outcome = await DeliverAsync(host, Sign(host, body));

        Assert.Equal(WebhookEffect.OtherMode, outcome.Effect);
        PaymentLink now = (await host.Links.FindAsync(link.Id))!;
        Assert.Equal((PaymentStatus.Pending, true), (now.Status, now.IsLive!.Value));
        Assert.Empty(await host.Events.ClaimAsync(10));
    }

    [Fact]
    public async Task SameKeyInTestAndLiveMode_OnOneStore_AreTwoOperations()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new MemoryIdempotencyStore(clock);
        using var test = new PaymentHost(fake, clock, store);
        using var live = new PaymentHost(fake, clock, store, key: PaymentHost.LiveKey);
        using var mock = new PaymentHost(fake, clock, store, mode: "mock");

        PaymentLink simulated = await mock.CreateAsync();
        PaymentLink testLink = await test.CreateAsync();
        PaymentLink liveLink = await live.CreateAsync();

        Assert.Equal((true, false, false), (simulated.IsSimulated, testLink.IsSimulated, liveLink.IsSimulated));
        Assert.Equal((false, true), (testLink.IsLive!.Value, liveLink.IsLive!.Value));
        Assert.Equal(3, new[] { simulated.Id, testLink.Id, liveLink.Id }.Distinct().Count());
        Assert.Equal(liveLink.Id, (await live.CreateAsync()).Id);
        Assert.Equal(testLink.Id, (await test.CreateAsync()).Id);
    }

    [Fact]
    public async Task SeveralSecrets_EachWithItsAccount_VerifyTheirOwnEventsOnly()
    {
        using var host = new PaymentHost(configure: options =>
        {
            options.Stripe.MoreWebhookSecrets.Add(new StripeWebhookSecret { Name = "OLD_SECRET" });
            options.Stripe.MoreWebhookSecrets.Add(new StripeWebhookSecret { Name = "CONNECT_SECRET", Account = "acct_1" });
        }, settings: new() { ["OLD_SECRET"] = "whsec_old", ["CONNECT_SECRET"] = "whsec_connect" });
        PaymentLink link = await host.CreateAsync();
        string Body(string id, string more) => $$$$$"""{"id":"{{{{{id}}}}}","type":"{{{{{Completed}}}}}",{{{{{more}}}}}"livemode":false,"data":{"object":{"id":"cs_1","payment_link":"{{{{{link.Id}}}}}","status":"complete","payment_status":"paid","amount_total":1250,"currency":"usd"}}}""";

        WebhookOutcome connected = await DeliverAsync(host, Sign(host, Body("evt_1", "\"account\":\"acct_1\","), "whsec_connect"));
        WebhookOutcome mixed = await DeliverAsync(host, Sign(host, Body("evt_2", "\"account\":\"acct_2\","), "whsec_connect"));
        WebhookOutcome own = await DeliverAsync(host, Sign(host, Body("evt_3", ""), "whsec_old"));
        PaymentException forged = await Assert.ThrowsAsync<PaymentException>(
            () => DeliverAsync(host, Sign(host, Body("evt_4", ""), "whsec_none")));

        Assert.Equal(
            (WebhookEffect.OtherMode, WebhookEffect.OtherMode, WebhookEffect.Applied),
            (connected.Effect, mixed.Effect, own.Effect));
        Assert.Equal(PaymentError.WebhookInvalid, forged.Error);
    }

    [Fact]
    public async Task SixtyOrdersAtOnce_TwentyFiveRequestsASecondAnd429_AreAllMadeInTime()
    {
        foreach (string? baseUrl in new[] { null, "http://127.0.0.1:1" })
        {
            var clock = new VirtualClock();
            var fake = new StripeFake(options => (options.Time, options.RequestsPerSecond) = (clock, 25));
            using var host = new PaymentHost(fake, clock, configure: options =>
                options.Stripe.BaseUrl = baseUrl is null ? options.Stripe.BaseUrl : new Uri(baseUrl));
            long start = clock.GetTimestamp();

            PaymentLink[] links = await host.RunAsync(Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
                host.Links.CreateAsync(PaymentHost.Order($"order-{baseUrl}-{i}")))));

            Assert.Equal(60, links.Select(link => link.Id).Distinct().Count());
            Assert.InRange(clock.GetElapsedTime(start).TotalSeconds, 0, 15);
        }
    }

    [Fact]
    public async Task MaxQueueTime_AQueueThatIsTooLong_IsUnavailableWithRetryAfter()
    {
        using var host = new PaymentHost(configure: options =>
            (options.RequestsPerSecond, options.MaxQueueTime) = (1, TimeSpan.FromSeconds(10)));
        Task<PaymentLink>[] calls =
        [
            .. Enumerable.Range(0, 20).Select(i => host.Links.CreateAsync(PaymentHost.Order($"order-{i}"))),
        ];
        await host.RunAsync(Task.WhenAll(calls.Select(call => call.ContinueWith(
            static _ => true, TaskScheduler.Default))));

        Task<PaymentLink>[] failed = [.. calls.Where(call => call.IsFaulted)];
        Assert.InRange(failed.Length, 5, 18);
        Assert.All(failed, call =>
        {
            var exception = Assert.IsType<PaymentException>(call.Exception!.InnerException);
            Assert.Equal(PaymentError.Unavailable, exception.Error);
            Assert.True(exception.RetryAfter >= TimeSpan.FromSeconds(1));
        });

        // In order: who came first has a link.
        Assert.All(calls[..(20 - failed.Length)], call => Assert.True(call.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task FortyOneOrders_MaxRecords32_NoneIsForgottenAndTheOldestPaymentIsTold()
    {
        using var host = new PaymentHost(configure: options => options.MaxRecords = 32);
        var links = new List<PaymentLink>();
        int refused = 0;
        for (int i = 0; i < 41; i++)
        {
            try
            {
                links.Add(await host.CreateAsync(PaymentHost.Order($"order-{i}")));
            }
            catch (PaymentException exception) when (exception.Error == PaymentError.Unavailable)
            {
                refused++;
            }
        }

        await DeliverAsync(host, host.Fake.BuildWebhook(Completed, host.Fake.Pay(links[0].Id)!.Id));

        Assert.Equal((32, 9), (links.Count, refused));
        Assert.Equal("order-0", Assert.Single(await host.Events.ClaimAsync(10)).OperationKey);
    }

    [Fact]
    public async Task Handler_FailsThenThrowsThenWorks_HasTheFactUntilItWorksAndNeverAgain()
    {
        var seen = new List<string>();
        using var shop = await PaidShop.OpenAsync(build: payments => payments.WithEventHandler((_, fact, _) =>
        {
            seen.Add(fact.Id);
            return seen.Count < 3 ? throw new InvalidOperationException("The host's database did not answer.") : Task.CompletedTask;
        }));
        IHostedService delivery = Assert.Single(shop.Host.Services.GetServices<IHostedService>().OfType<BackgroundService>());
        await delivery.StartAsync(CancellationToken.None);

        WebhookOutcome outcome = await shop.DeliverAsync(shop.Webhook(Completed));
        await UntilAsync(shop.Host, () => seen.Count >= 3);
        while ((await shop.Host.Store.CountAsync()).PendingFacts > 0)
        {
            await Task.Yield();
        }

        shop.Host.Clock.Advance(TimeSpan.FromHours(2));
        await delivery.StopAsync(CancellationToken.None);

        // Nothing of the host's runs within the webhook's request.
        Assert.Equal(WebhookEffect.Applied, outcome.Effect);
        Assert.Equal(3, seen.Count);
        Assert.Single(seen.Distinct());
        Assert.Empty(await shop.Host.Events.ClaimAsync(10));
    }

    [Fact]
    public async Task DeadLetters_AfterSoManyAttempts_AreListedAndReplayed()
    {
        using var shop = await PaidShop.OpenAsync(configure: options => options.MaxDeliveryAttempts = 3);
        await shop.DeliverAsync(shop.Webhook(Completed));
        PaymentFact? last = null;
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            PaymentFact fact = Assert.Single(await shop.Host.Events.ClaimAsync(10));
            Assert.Equal(attempt, fact.Attempts);
            last = await shop.Host.Events.FailAsync(fact, "no\nanswer");
            shop.Host.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        PaymentFact dead = Assert.Single(await shop.Host.Events.ListAsync(PaymentFactState.Dead));
        Assert.Empty(await shop.Host.Events.ClaimAsync(10));
        Assert.True(await shop.Host.Events.ReplayAsync(dead));
        PaymentFact again = Assert.Single(await shop.Host.Events.ClaimAsync(10));

        Assert.Equal((PaymentFactState.Dead, "no answer", last!.Id), (last.State, last.Error, dead.Id));
        Assert.Equal((dead.Id, 1), (again.Id, again.Attempts));
        Assert.True(await shop.Host.Events.ConfirmAsync(again));
        Assert.False(await shop.Host.Events.ConfirmAsync(again));
    }

    [Fact]
    public async Task Claims_OfTwoReplicas_NeverOverlapAndComeBackAfterTheLease()
    {
        using var host = new PaymentHost();
        for (int i = 0; i < 20; i++)
        {
            PaymentLink link = await host.CreateAsync(PaymentHost.Order($"order-{i}"));
            await DeliverAsync(host, host.Fake.BuildWebhook(Completed, host.Fake.Pay(link.Id)!.Id));
        }

        IReadOnlyList<PaymentFact>[] taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            Task.Run(() => host.Events.ClaimAsync(20))));
        string[] ids = [.. taken.SelectMany(facts => facts).Select(fact => fact.Id)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(20, ids.Length + (await host.Events.ClaimAsync(20)).Count);
        Assert.Empty(await host.Events.ClaimAsync(20));
        host.Clock.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(20, (await host.Events.ClaimAsync(20)).Count);
    }

    [Fact]
    public async Task WallClockSetBack_AfterAClaim_DoesNotHoldTheFactUp()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        Assert.Single(await shop.Host.Events.ClaimAsync(10));

        shop.Host.Clock.JumpWallClock(TimeSpan.FromDays(-2));

        Assert.Single(await shop.Host.Events.ClaimAsync(10));
    }

    [Fact]
    public async Task DeliveryConcurrencyAndInterval_ManyFacts_AreHandledAtOnceButNoMoreThanThat()
    {
        int running = 0;
        int most = 0;
        int done = 0;
        using var host = new PaymentHost(
            configure: options => (options.DeliveryConcurrency, options.DeliveryInterval) = (3, TimeSpan.FromSeconds(1)),
            build: payments => payments.WithEventHandler(async (_, _, _) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await Task.Yield();
                Interlocked.Decrement(ref running);
                Interlocked.Increment(ref done);
            }));
        for (int i = 0; i < 7; i++)
        {
            PaymentLink link = await host.CreateAsync(PaymentHost.Order($"order-{i}"));
            await DeliverAsync(host, host.Fake.BuildWebhook(Completed, host.Fake.Pay(link.Id)!.Id));
        }

        IHostedService delivery = Assert.Single(host.Services.GetServices<IHostedService>().OfType<BackgroundService>());
        await delivery.StartAsync(CancellationToken.None);
        await UntilAsync(host, () => done >= 7);
        await delivery.StopAsync(CancellationToken.None);

        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task ReconcileConcurrency_UncertainOrders_AreSettledSideBySide()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey, configure: options =>
            (options.ReconcileConcurrency, options.RequestsPerSecond) = (8, 0));
        host.Fake.FaultPolicy = request => request is { Method: "POST", Path: "/v1/payment_links" }
            ? new StripeFault(StripeFaultKind.Hang)
            : null;
        for (int i = 0; i < 16; i++)
        {
            await host.FailsAsync(PaymentHost.Order($"order-{i}"));
        }

        // Each answer takes two seconds: one after the other would take 32 and more.
        host.Fake.FaultPolicy = request => request.Method == "POST"
            ? new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(2) }
            : null;
        long start = host.Clock.GetTimestamp();
        ReconciliationReport report = await host.RunAsync(host.Links.ReconcileAsync());

        Assert.Equal((16, 16, 16), (report.Examined, report.Settled, host.Fake.Links.Count));
        Assert.InRange(host.Clock.GetElapsedTime(start).TotalSeconds, 0, 15);
    }

    [Fact]
    public async Task StoreAway_TheWebhookIsNotAcknowledged()
    {
        var clock = new VirtualClock();
        var store = new BrokenStore(new MemoryIdempotencyStore(clock));
        using var shop = await PaidShop.OpenAsync(store: store, clock: clock);
        store.IsBroken = true;

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(
            () => shop.DeliverAsync(shop.Webhook(Completed, "evt_1")));
        store.IsBroken = false;
        await shop.DeliverAsync(shop.Webhook(Completed, "evt_1"));

        Assert.Equal(PaymentError.Unavailable, exception.Error);
        Assert.Equal([PaymentFactKind.Paid], await shop.DrainAsync());
    }

    [Fact]
    public async Task Fact_CarriesReferenceAndMetadata()
    {
        using var shop = await PaidShop.OpenAsync(PaymentHost.Order() with
        {
            Reference = "account-7",
            Metadata = new Dictionary<string, string> { ["credits"] = "500" },
        });
        await shop.DeliverAsync(shop.Webhook(Completed));

        PaymentFact fact = Assert.Single(await shop.Host.Events.ClaimAsync(10));

        Assert.Equal(("account-7", "500", 1250L, "usd"), (fact.Reference, fact.Metadata["credits"], fact.MinorUnits, fact.Currency));
        Assert.Equal("500", shop.Host.Fake.Links[0].PaymentMetadata["credits"]);
        Assert.NotNull(fact.Payment!.PaymentIntentId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AdaptivePricing_BeforeAndAfterBasil_CountsWhatTheLinkAsks(bool isBeforeBasil)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session = host.Fake.Complete(host.Fake.OpenSession(link.Id)!.Id, open => open with
        {
            PresentedAmount = 1161,
            PresentedCurrency = "eur",
            IsBeforeBasil = isBeforeBasil,
        })!;

        await DeliverAsync(host, host.Fake.BuildWebhook(Completed, session.Id));
        PaymentLink now = (await host.Links.FindAsync(link.Id))!;

        Assert.Equal((PaymentStatus.Succeeded, false), (now.Status, now.HasAmountMismatch));
        LinkPayment row = Assert.Single(now.Payments);
        Assert.Equal((1250L, "usd", 1161L, "eur"), (row.MinorUnits, row.Currency, row.PresentedMinorUnits, row.PresentedCurrency));
    }

    [Fact]
    public async Task DescribePayments_GivesChargeMethodFeeAndNet()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));

        Assert.Equal(1, await shop.Host.RunAsync(shop.Host.Links.DescribePaymentsAsync()));
        LinkPayment row = Assert.Single((await shop.Host.Links.FindAsync(shop.Link.Id))!.Payments);

        Assert.Equal((66L, 1184L, "card", "usd"), (row.FeeMinorUnits, row.NetMinorUnits, row.Method, row.SettlementCurrency));
        Assert.StartsWith("ch_", row.ChargeId, StringComparison.Ordinal);
        Assert.Equal(0, await shop.Host.RunAsync(shop.Host.Links.DescribePaymentsAsync()));
    }

    [Fact]
    public async Task ExpiresAt_Passed_ClosesTheLinkAndTells()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync(
            PaymentHost.Order() with { ExpiresAt = host.Clock.GetUtcNow() + TimeSpan.FromHours(1) });

        Assert.Equal(0, await host.RunAsync(host.Links.ExpireDueAsync()));
        host.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, await host.RunAsync(host.Links.ExpireDueAsync()));

        Assert.False(Assert.Single(host.Fake.Links).IsActive);
        Assert.Equal(PaymentStatus.Expired, (await host.Links.FindAsync(link.Id))!.Status);
        Assert.Equal([PaymentFactKind.Expired], await PaidShop.DrainAsync(host));
    }

    [Fact]
    public async Task SimulatedStory_PaidThenRefunded_IsToldLikeARealOne()
    {
        using var host = new PaymentHost(key: null);
        PaymentLink link = await host.CreateAsync();
        var payments = host.Services.GetRequiredService<ISimulatedPayments>();

        await payments.PayAsync(link.Id);
        await payments.PayAsync(link.Id);
        await host.RunAsync(host.Links.RefundAsync(new PaymentRefundRequest { LinkId = link.Id, RefundKey = "r" }));

        Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.Refunded], await PaidShop.DrainAsync(host));
        Assert.Empty(host.Fake.Requests);
    }

    [Fact]
    public async Task Reports_ByDayAndCsv_AddUp()
    {
        using var shop = await PaidShop.OpenAsync(PaymentHost.Order() with { Reference = "=1+1,\"x\"" });
        await shop.DeliverAsync(shop.Webhook(Completed));
        await shop.Host.RunAsync(shop.Host.Links.DescribePaymentsAsync());
        await shop.Host.RunAsync(shop.Host.Links.RefundAsync(new PaymentRefundRequest
        {
            LinkId = shop.Link.Id,
            RefundKey = "r",
            Amount = Money.Create(250, "usd"),
        }));
        var reports = shop.Host.Services.GetRequiredService<IPaymentReports>();
        var day = DateOnly.FromDateTime(shop.Host.Clock.GetUtcNow().UtcDateTime);

        PaymentReportRow row = Assert.Single(await reports.ByDayAsync(day, day));
        var csv = new StringWriter(CultureInfo.InvariantCulture);
        Assert.Equal(1, await reports.WriteCsvAsync(csv));

        Assert.Equal((1, 1, 1250L, 250L, 66L), (row.Links, row.Payments, row.PaidMinorUnits, row.RefundedMinorUnits, row.FeeMinorUnits));
        Assert.Contains("\"'=1+1,\"\"x\"\"\"", csv.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, csv.ToString().Split("\r\n").Length);
    }

    private static async Task UntilAsync(PaymentHost host, Func<bool> isDone)
    {
        await host.Clock.RunUntilAsync(LookAsync());
        Assert.True(isDone());

        async Task LookAsync()
        {
            while (!isDone())
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), host.Clock);
            }
        }
    }

    private static StripeWebhook SessionEvent(
        PaymentHost host, PaymentLink link, string session, string paid, string payment, string id,
        string type = Completed) => Sign(host, $$$$$"""{"id":"{{{{{id}}}}}","type":"{{{{{type}}}}}","livemode":false,"data":{"object":{"id":"{{{{{session}}}}}","payment_link":"{{{{{link.Id}}}}}","status":"complete","payment_status":"{{{{{paid}}}}}","amount_total":1250,"currency":"usd","payment_intent":"{{{{{payment}}}}}"}}}""");

    private static StripeWebhook Sign(PaymentHost host, string body, string? secret = null) =>
        StripeWebhook.Sign(Encoding.UTF8.GetBytes(body), secret ?? host.Fake.WebhookSecret, host.Clock.GetUtcNow());

    private static Task<WebhookOutcome> DeliverAsync(PaymentHost host, StripeWebhook webhook) =>
        host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);

    private sealed class BrokenStore(IIdempotencyStore inner) : StoreWrapper(inner)
    {
        public bool IsBroken { get; set; }

        public override ValueTask<PaymentRecord?> TryUpdateAsync(
            PaymentRecord record, CancellationToken cancellationToken = default) => IsBroken
                ? throw new IOException("The store is away.")
                : base.TryUpdateAsync(record, cancellationToken);
    }
}
