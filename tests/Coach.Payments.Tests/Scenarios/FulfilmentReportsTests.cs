using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>What sellers reported of other software, each as a test here.</summary>
public sealed class FulfilmentReportsTests
{
    private const string Completed = "checkout.session.completed";

    [Fact(DisplayName = "pinelab-vendure-plugins#620: the webhook comes three times at once, the order is settled once")]
    public async Task ThreeDeliveriesAtOnce_TellOnce()
    {
        using var shop = await PaidShop.OpenAsync();
        StripeWebhook[] same = [.. Enumerable.Range(0, 3).Select(_ => shop.Webhook(Completed, "evt_1"))];

        await Task.WhenAll(same.Select(webhook => Task.Run(() => shop.DeliverAsync(webhook))));

        Assert.Equal([PaymentFactKind.Paid], await shop.DrainAsync());
    }

    [Fact(DisplayName = "woocommerce-gateway-stripe#3326: two endpoints on one address, two events for one payment")]
    public async Task TwoEventsOfOnePayment_TellOnce()
    {
        using var shop = await PaidShop.OpenAsync();

        await shop.DeliverAsync(shop.Webhook(Completed, "evt_1"));
        await shop.DeliverAsync(shop.Webhook(Completed, "evt_2"));

        Assert.Equal([PaymentFactKind.Paid], await shop.DrainAsync());
    }

    [Fact(DisplayName = "medusa#13301: the page's poll and the webhook complete the order at the same time")]
    public async Task PollAndWebhookAtOnce_TellOnce()
    {
        using var shop = await PaidShop.OpenAsync();
        Task<WebhookOutcome> webhook = Task.Run(() => shop.DeliverAsync(shop.Webhook(Completed)));

        await shop.Host.RunAsync(shop.Host.Links.GetStatusAsync(shop.Link.Id));
        await shop.Host.RunAsync(shop.Host.Links.WaitAsync(shop.Link.Id));
        await webhook;

        Assert.Equal([PaymentFactKind.Paid], await shop.DrainAsync());
    }

    [Fact(DisplayName = "polar#10728: the webhook comes before the order is stored")]
    public async Task WebhookBeforeTheLinkIsRecorded_IsToldOnceItIs()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        PaymentLink link;
        using (var lost = new PaymentHost(fake, clock))
        {
            link = await lost.CreateAsync();
        }

        StripeFakeSession session = fake.Pay(link.Id)!;
        using var host = new PaymentHost(fake, clock);
        StripeWebhook webhook = fake.BuildWebhook(Completed, session.Id);
        Assert.Equal(
            WebhookEffect.Unmatched, (await host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader)).Effect);
        PaymentFact unmatched = Assert.Single(await host.Events.ClaimAsync(10));
        await host.Events.ConfirmAsync(unmatched);

        // The caller asks again with its key, and the price leads to the link that was paid.
        PaymentLink again = await host.CreateAsync();
        PaymentFact paid = Assert.Single(await host.Events.ClaimAsync(10));

        Assert.Equal((PaymentFactKind.Unmatched, 1250L), (unmatched.Kind, unmatched.MinorUnits));
        Assert.Equal("order-1:1", unmatched.OperationKey);
        Assert.Equal((link.Id, PaymentStatus.Succeeded), (again.Id, again.Status));
        Assert.Equal((PaymentFactKind.Paid, session.Id), (paid.Kind, paid.Payment!.SessionId));
    }

    [Fact(DisplayName = "emfcamp/Website#413: the webhook of a refund conflicts with the refund that was just made")]
    public async Task RefundByTheHostAndItsWebhooks_AreOneRefund()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        var part = new PaymentRefundRequest
        {
            LinkId = shop.Link.Id,
            RefundKey = "return-1",
            Amount = Money.Create(300, "usd"),
        };

        PaymentLink refunded = await shop.Host.RunAsync(shop.Host.Links.RefundAsync(part));
        StripeFakeRefund made = Assert.Single(shop.Host.Fake.Refunds);
        await shop.DeliverAsync(shop.Host.Fake.BuildChargeWebhook("charge.refunded", shop.Session.Id));
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.created", made.Id));
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.updated", made.Id));

        Assert.Equal(300, refunded.RefundedMinorUnits);
        Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.PartlyRefunded], await shop.DrainAsync());
        Assert.Equal(300, (await shop.Host.Links.FindAsync(shop.Link.Id))!.RefundedMinorUnits);
    }

    [Fact(DisplayName = "nopCommerce#740: partial refunds that add up to the whole are a whole refund")]
    public async Task PartialRefundsThatAddUp_AreRefunded()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        StripeFakeRefund first = shop.Host.Fake.Refund(shop.Session.Id, 750);
        StripeFakeRefund second = shop.Host.Fake.Refund(shop.Session.Id, 500);

        // In any order: the second first.
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.created", second.Id));
        await shop.DeliverAsync(shop.Host.Fake.BuildRefundWebhook("refund.created", first.Id));
        await shop.DeliverAsync(shop.Host.Fake.BuildChargeWebhook("charge.refunded", shop.Session.Id));

        Assert.Equal(
            [PaymentFactKind.Paid, PaymentFactKind.PartlyRefunded, PaymentFactKind.Refunded], await shop.DrainAsync());
        PaymentLink link = (await shop.Host.Links.FindAsync(shop.Link.Id))!;
        Assert.Equal((1250L, PaymentStatus.Succeeded), (link.RefundedMinorUnits, link.Status));
    }

    [Fact(DisplayName = "woocommerce-gateway-stripe#1232: the dispute's end comes before the payment")]
    public async Task DisputeBeforeThePayment_IsToldAfterIt()
    {
        using var shop = await PaidShop.OpenAsync();
        StripeFake fake = shop.Host.Fake;

        Assert.Equal(WebhookEffect.Unmatched, (await shop.DeliverAsync(
            fake.BuildDisputeWebhook("charge.dispute.closed", shop.Session.Id, "dp_1", "lost"))).Effect);
        Assert.Empty(await shop.DrainAsync());
        await shop.DeliverAsync(shop.Webhook(Completed));
        await shop.DeliverAsync(
            fake.BuildDisputeWebhook("charge.dispute.created", shop.Session.Id, "dp_1", "needs_response"));

        Assert.Equal(
            [PaymentFactKind.Paid, PaymentFactKind.Disputed, PaymentFactKind.DisputeLost], await shop.DrainAsync());
        Assert.False((await shop.Host.Links.FindAsync(shop.Link.Id))!.IsDisputed);
    }

    [Fact(DisplayName = "woocommerce-gateway-stripe#1098: a dispute that was won is told")]
    public async Task DisputeWon_IsTold()
    {
        using var shop = await PaidShop.OpenAsync();
        StripeFake fake = shop.Host.Fake;
        await shop.DeliverAsync(shop.Webhook(Completed));
        await shop.DeliverAsync(
            fake.BuildDisputeWebhook("charge.dispute.created", shop.Session.Id, "dp_1", "needs_response"));
        Assert.True((await shop.Host.Links.FindAsync(shop.Link.Id))!.IsDisputed);
        await shop.DeliverAsync(fake.BuildDisputeWebhook("charge.dispute.closed", shop.Session.Id, "dp_1", "won"));
        await shop.DeliverAsync(
            fake.BuildDisputeWebhook("charge.dispute.funds_reinstated", shop.Session.Id, "dp_1", "won"));

        Assert.Equal(
            [PaymentFactKind.Paid, PaymentFactKind.Disputed, PaymentFactKind.DisputeWon], await shop.DrainAsync());
    }

    [Fact(DisplayName = "Two refunds of one second, told the later one first, are both counted")]
    public async Task RefundsOfOneSecond_InAnyOrder_AddUp()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        shop.Host.Fake.Refund(shop.Session.Id, 750);
        var first = shop.Host.Fake.BuildChargeWebhook("charge.refunded", shop.Session.Id);
        shop.Host.Fake.Refund(shop.Session.Id, 500);
        var second = shop.Host.Fake.BuildChargeWebhook("charge.refunded", shop.Session.Id);

        await shop.DeliverAsync(second);
        await shop.DeliverAsync(first);

        Assert.Equal([PaymentFactKind.Paid, PaymentFactKind.Refunded], await shop.DrainAsync());
        Assert.Equal(1250L, (await shop.Host.Links.FindAsync(shop.Link.Id))!.RefundedMinorUnits);
    }

    [Fact(DisplayName = "woocommerce-gateway-stripe#2598: a dispute after a refund does not move the order back")]
    public async Task DisputeAfterARefund_LeavesStatusAndSum()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        shop.Host.Fake.Refund(shop.Session.Id);
        await shop.DeliverAsync(shop.Host.Fake.BuildChargeWebhook("charge.refunded", shop.Session.Id));
        await shop.DeliverAsync(
            shop.Host.Fake.BuildDisputeWebhook("charge.dispute.created", shop.Session.Id, "dp_1", "needs_response"));

        PaymentLink link = (await shop.Host.Links.FindAsync(shop.Link.Id))!;
        Assert.Equal((PaymentStatus.Succeeded, 1250L), (link.Status, link.RefundedMinorUnits));
        Assert.Equal(
            [PaymentFactKind.Paid, PaymentFactKind.Refunded, PaymentFactKind.Disputed], await shop.DrainAsync());
    }

    [Fact(DisplayName = "202-ecommerce/stripe_official#186: a dispute's event carries no metadata of the order")]
    public async Task DisputeWithoutMetadata_FindsItsOrder()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        await shop.DrainAsync();
        await shop.DeliverAsync(
            shop.Host.Fake.BuildDisputeWebhook("charge.dispute.created", shop.Session.Id, "dp_7", "needs_response", 900));

        PaymentFact fact = Assert.Single(await shop.Host.Events.ClaimAsync(10));

        Assert.Equal(("order-1:1", 900L, "dp_7"), (fact.OperationKey, fact.MinorUnits, fact.Dispute!.Id));
    }

    [Fact(DisplayName = "imager-service#525: a payment that failed twice before it succeeded is fulfilled")]
    public async Task FailedThenPaid_IsToldAsPaid()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync(PaymentHost.Order() with { IsReusable = true });
        for (int i = 0; i < 2; i++)
        {
            StripeFakeSession failed = host.Fake.Pay(link.Id, isPaid: false)!;
            await DeliverAsync(host, host.Fake.BuildWebhook(Completed, failed.Id));
            await DeliverAsync(host, host.Fake.BuildWebhook("checkout.session.async_payment_failed", failed.Id));
        }

        StripeFakeSession paid = host.Fake.Pay(link.Id)!;
        await DeliverAsync(host, host.Fake.BuildWebhook(Completed, paid.Id));

        Assert.Contains(PaymentFactKind.Paid, await PaidShop.DrainAsync(host));
        Assert.Equal(PaymentStatus.Succeeded, (await host.Links.FindAsync(link.Id))!.Status);
    }

    [Fact(DisplayName = "craftcms/commerce-stripe#337: the payer never comes back to the page and no webhook arrives")]
    public async Task NobodyAsksAndNoWebhook_ACallForTheStatusTells()
    {
        using var shop = await PaidShop.OpenAsync();

        await shop.Host.RunAsync(shop.Host.Links.GetStatusAsync(shop.Link.Id));

        Assert.Equal([PaymentFactKind.Paid], await shop.DrainAsync());
    }

    [Fact(DisplayName = "woocommerce-payments#3783: an event that is an hour late changes nothing")]
    public async Task LateEventOfAnEarlierState_ChangesNothing()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session = host.Fake.Pay(link.Id, isPaid: false)!;
        StripeWebhook processing = host.Fake.BuildWebhook(Completed, session.Id);
        host.Fake.Settle(session.Id);
        await DeliverAsync(host, host.Fake.BuildWebhook("checkout.session.async_payment_succeeded", session.Id));

        await DeliverAsync(host, processing);

        Assert.Equal([PaymentFactKind.Paid], await PaidShop.DrainAsync(host));
        Assert.Equal(PaymentStatus.Succeeded, Assert.Single((await host.Links.FindAsync(link.Id))!.Payments).Status);
    }

    private static Task<WebhookOutcome> DeliverAsync(PaymentHost host, StripeWebhook webhook) =>
        host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);
}
