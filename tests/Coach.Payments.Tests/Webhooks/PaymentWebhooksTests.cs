using System.Text;
using Coach.Testing;

namespace Coach.Payments.Tests.Webhooks;

public sealed class PaymentWebhooksTests
{
    private const string Completed = "checkout.session.completed";

    [Fact]
    public async Task HandleAsync_Paid_SucceedsAndTheSecondTimeChangesNothing()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session = host.Fake.Pay(link.Id)!;
        StripeWebhook webhook = host.Fake.BuildWebhook(Completed, session.Id, "evt_1");

        WebhookOutcome first = await HandleAsync(host, webhook);
        WebhookOutcome again = await HandleAsync(host, webhook);

        Assert.Equal(WebhookEffect.Applied, first.Effect);
        Assert.Equal(PaymentStatus.Succeeded, first.Link!.Status);
        Assert.Equal(1250, first.Link.PaidMinorUnits);
        Assert.Equal(WebhookEffect.Duplicate, again.Effect);
        Assert.Equal("evt_1", again.EventId);
        Assert.Equal(PaymentStatus.Succeeded, (await host.Links.FindAsync(link.Id))!.Status);
    }

    [Fact]
    public async Task HandleAsync_OutOfOrder_NeverGoesBack()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session = host.Fake.Pay(link.Id, isPaid: false)!;
        StripeWebhook unpaid = host.Fake.BuildWebhook(Completed, session.Id);
        host.Fake.Settle(session.Id);
        StripeWebhook paid = host.Fake.BuildWebhook("checkout.session.async_payment_succeeded", session.Id);

        Assert.Equal(PaymentStatus.Succeeded, (await HandleAsync(host, paid)).Link!.Status);
        Assert.Equal(PaymentStatus.Succeeded, (await HandleAsync(host, unpaid)).Link!.Status);
    }

    [Fact]
    public async Task HandleAsync_DelayedPayment_IsProcessingThenFailedThenStaysFailed()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session = host.Fake.Pay(link.Id, isPaid: false)!;

        Assert.Equal(
            PaymentStatus.Processing,
            (await HandleAsync(host, host.Fake.BuildWebhook(Completed, session.Id))).Link!.Status);
        Assert.Equal(
            PaymentStatus.Failed,
            (
                await HandleAsync(
                    host, host.Fake.BuildWebhook("checkout.session.async_payment_failed", session.Id))).Link!.Status);
        Assert.Equal(PaymentStatus.Failed, (await host.RunAsync(host.Links.GetStatusAsync(link.Id))).Status);
    }

    [Theory]
    [InlineData(1249L, "usd")]
    [InlineData(1251L, "usd")]
    [InlineData(1250L, "eur")]
    public async Task HandleAsync_OtherAmountOrCurrency_IsFlaggedAndNeverAccepted(long amount, string currency)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session =
            host.Fake.Complete(host.Fake.OpenSession(link.Id)!.Id, amount: amount, currency: currency)!;

        PaymentLink now = (await HandleAsync(host, host.Fake.BuildWebhook(Completed, session.Id))).Link!;

        Assert.True(now.HasAmountMismatch);
        Assert.Equal(PaymentStatus.Pending, now.Status);
        Assert.Equal((amount, currency), (now.PaidMinorUnits!.Value, now.PaidCurrency!));
    }

    [Fact]
    public async Task HandleAsync_SessionExpired_LeavesTheLinkPayable()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession session = host.Fake.Expire(host.Fake.OpenSession(link.Id)!.Id);

        WebhookOutcome outcome =
            await HandleAsync(host, host.Fake.BuildWebhook("checkout.session.expired", session.Id));

        Assert.Equal(WebhookEffect.Ignored, outcome.Effect);
        Assert.Equal(PaymentStatus.Pending, (await host.Links.FindAsync(link.Id))!.Status);
    }

    [Theory]
    [InlineData("{\"id\":\"evt_1\"}")]
    [InlineData("{\"name\":\"Café ☕\"}")]
    [InlineData("{\"type\":\"checkout.session.completed\"}")]
    [InlineData("{\"id\":\"\",\"type\":\"x\"}")]
    [InlineData("{\"id\":\"evt_\\ud83d\",\"type\":\"x\"}")]
    [InlineData("{\"id\":\"evt_9\",\"type\":\"a.type.of.the.future\",\"data\":{\"object\":{}}}")]
    [InlineData("{\"id\":\"evt_9\",\"type\":\"payment_intent.succeeded\",\"api_version\":\"2031-01-01.other\"}")]
    [InlineData("{\"id\":\"evt_9\",\"type\":\"checkout.session.completed\",\"data\":{\"object\":{\"id\":\"cs_1\",\"payment_link\":null}}}")]
    public async Task HandleAsync_UnknownTypeOrAnotherIntegrationsSession_IsAcknowledged(string body)
    {
        using var host = new PaymentHost();

        Assert.Equal(WebhookEffect.Ignored, (await HandleAsync(host, Sign(host, body))).Effect);
    }

    [Theory]
    [InlineData(Completed, "\"payment_status\":\"paid\",\"amount_total\":1250,\"currency\":\"usd\"", PaymentStatus.Succeeded)]
    [InlineData(Completed, "\"payment_status\":\"unpaid\",\"amount_total\":1250,\"currency\":\"usd\"", PaymentStatus.Processing)]
    [InlineData(Completed, "\"status\":\"open\",\"payment_status\":\"unpaid\"", PaymentStatus.Pending)]
    [InlineData("checkout.session.async_payment_succeeded", "\"status\":\"complete\",\"payment_status\":\"paid\",\"amount_total\":1250,\"currency\":\"usd\",\"customer_details\":null", PaymentStatus.Succeeded)]
    [InlineData("checkout.session.async_payment_failed", "\"status\":\"complete\",\"payment_status\":\"unpaid\",\"metadata\":null", PaymentStatus.Failed)]
    [InlineData("checkout.session.async_payment_failed", "\"payment_status\":\"paid\",\"amount_total\":1250,\"currency\":\"usd\"", PaymentStatus.Pending)]
    public async Task HandleAsync_SessionOfFewFields_IsReadByWhatItHas(
        string type, string fields, PaymentStatus expected)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();

        await HandleAsync(
            host,
            Sign(
                host,
                $"{{\"id\":\"evt_9\",\"type\":\"{type}\",\"data\":{{\"object\":{{\"id\":\"cs_1\",\"payment_link\":\"{link.Id}\",{fields}}}}}}}"));

        Assert.Equal(expected, (await host.Links.FindAsync(link.Id))!.Status);
    }

    [Fact]
    public async Task HandleAsync_LinkNotKnownHere_IsAcknowledgedAsUnmatched()
    {
        using var host = new PaymentHost();
        string body = "{\"id\":\"evt_9\",\"type\":\"checkout.session.completed\",\"data\":{\"object\":{\"id\":\"cs_1\",\"payment_link\":\"plink_other\",\"status\":\"complete\",\"payment_status\":\"paid\"}}}";

        Assert.Equal(WebhookEffect.Unmatched, (await HandleAsync(host, Sign(host, body))).Effect);
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("[]")]
    [InlineData("{\"id\":\"evt_1\"")]
    public async Task HandleAsync_SignedButNoObject_IsRefused(string body)
    {
        using var host = new PaymentHost();

        Assert.Equal("The webhook's body is no JSON object.", (await RefusedAsync(host, Sign(host, body))).Message);
    }

    [Fact]
    public async Task HandleAsync_ReserializedBody_IsRefused()
    {
        using var host = new PaymentHost();
        StripeWebhook webhook = Sign(host, "{\"id\": \"evt_1\", \"type\": \"x\"}");

        PaymentException exception =
            await RefusedAsync(host, webhook with { Body = "{\"id\":\"evt_1\",\"type\":\"x\"}"u8.ToArray() });

        Assert.Equal("ERR_WEBHOOK_INVALID", exception.Code);
        Assert.False(exception.IsTransient);
    }

    [Fact]
    public async Task HandleAsync_BodyAtAndOverTheLimit_IsTakenAndRefused()
    {
        using var host = new PaymentHost(configure: options => options.MaxWebhookBytes = 1024);
        string prefix = "{\"id\":\"evt_1\",\"type\":\"x\",\"pad\":\"";
        StripeWebhook Padded(int length) => Sign(host, prefix + new string('x', length - prefix.Length - 2) + "\"}");

        Assert.Equal(WebhookEffect.Ignored, (await HandleAsync(host, Padded(1024))).Effect);
        Assert.Equal("The webhook's body is longer than 1024 bytes.", (await RefusedAsync(host, Padded(1025))).Message);
    }

    [Fact]
    public async Task HandleAsync_PaidBeforeTheAnswerWasRecorded_IsFoundByItsTag()
    {
        var clock = new VirtualClock();
        var store = new MemoryIdempotencyStore(clock);
        using var host = new PaymentHost(clock: clock, store: store, key: PaymentHost.LiveKey);
        host.Fake.Inject(new StripeFault(StripeFaultKind.LoseAnswer), "POST", "/v1/payment_links", times: 1);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Refuse), "POST", "/v1/payment_links", times: 3);
        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
        StripeFakeLink made = Assert.Single(host.Fake.Links);
        StripeFakeSession session = host.Fake.Pay(made.Id)!;

        Assert.Equal(
            WebhookEffect.Applied, (await HandleAsync(host, host.Fake.BuildWebhook(Completed, session.Id))).Effect);
        PaymentLink link = await host.CreateAsync();

        Assert.Equal(made.Id, link.Id);
        Assert.Equal(PaymentStatus.Succeeded, link.Status);
    }

    private static StripeWebhook Sign(PaymentHost host, string body) =>
        StripeWebhook.Sign(Encoding.UTF8.GetBytes(body), host.Fake.WebhookSecret, host.Clock.GetUtcNow());

    private static Task<WebhookOutcome> HandleAsync(PaymentHost host, StripeWebhook webhook) =>
        host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);

    private static async Task<PaymentException> RefusedAsync(PaymentHost host, StripeWebhook webhook)
    {
        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => HandleAsync(host, webhook));
        Assert.Equal(PaymentError.WebhookInvalid, exception.Error);
        return exception;
    }
}
