using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>What idempotency keys cannot give, and what can: the facts on Stripe, §6, row by row.</summary>
public sealed class PastIdempotencyKeysTests
{
    private const string LinksPath = "/v1/payment_links";
    private static readonly TimeSpan PastTheKeys = TimeSpan.FromHours(25);

    [Theory]
    [InlineData(StripeFaultKind.StoredError, true)]
    [InlineData(StripeFaultKind.StoredErrorAfterEffect, false)]
    public async Task StoredFailure_ReplayedForADay_EndsTheKeyAndIsLookedInto(StripeFaultKind kind, bool needsNewKey)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(new StripeFault(kind) { ShouldRetry = false }, "POST", LinksPath);
        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);

        PaymentLink link = await host.CreateAsync();

        Assert.Equal(link.Id, Assert.Single(host.Fake.Links).Id);
        Assert.Equal(
            needsNewKey,
            host.Sent("POST", LinksPath)
                .Any(request => request.IdempotencyKey!.EndsWith(":link:2", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task UnknownOutcome_PastTheKeysLife_IsFoundByTheNaturalKeyNotRepeated(bool isMade)
    {
        var clock = new VirtualClock();
        using var host = new PaymentHost(clock: clock, key: PaymentHost.LiveKey);
        host.Fake.Inject(
            new StripeFault(isMade ? StripeFaultKind.HangAfterEffect : StripeFaultKind.Hang), "POST", LinksPath);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath, times: 4);
        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
        host.Fake.ClearFaults();
        int sent = host.Sent("POST", LinksPath).Count;
        clock.Advance(PastTheKeys);

        Assert.Equal(new ReconciliationReport(1, 1, 0), await host.RunAsync(host.Links.ReconcileAsync()));

        Assert.Single(host.Fake.Links);
        Assert.Equal(isMade ? sent : sent + 1, host.Sent("POST", LinksPath).Count);
    }

    [Fact]
    public async Task LinkStillInTheMaking_OfAPriceADayOld_IsNotMadeAgainUnderANewKey()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(StripeFault.RateLimited(null), "POST", "/v1/payment_links");
        Assert.Equal(PaymentError.Unavailable, (await host.FailsAsync()).Error);
        host.Clock.Advance(TimeSpan.FromHours(26));
        host.Fake.Inject(
            new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(40) }, "POST", "/v1/payment_links");
        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);

        // No search sees it yet; only its own key does.
        PaymentException still = await host.FailsAsync();
        host.Clock.Advance(TimeSpan.FromMinutes(1));
        PaymentLink link = await host.CreateAsync();

        Assert.Equal((PaymentError.Uncertain, link.Id), (still.Error, Assert.Single(host.Fake.Links).Id));
    }

    [Fact]
    public async Task LinkId_InThePricesMetadata_LeadsBackWithoutASearch()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        string id;
        using (var first = new PaymentHost(fake, clock))
        {
            id = (await first.CreateAsync()).Id;
        }

        clock.Advance(PastTheKeys);
        using var second = new PaymentHost(fake, clock);
        Assert.Equal(id, (await second.CreateAsync()).Id);
        Assert.Single(second.Sent("GET", $"{LinksPath}/{id}"));
        Assert.Empty(second.Sent("GET", LinksPath));
    }

    [Fact]
    public async Task EqualPurchases_UnderTwoKeys_AreTwoAndUnderOneKeyOne()
    {
        using var host = new PaymentHost();

        PaymentLink one = await host.CreateAsync(PaymentHost.Order("order-1:1"));
        PaymentLink other = await host.CreateAsync(PaymentHost.Order("order-2:1"));
        PaymentLink again = await host.CreateAsync(PaymentHost.Order("order-1:1"));

        Assert.NotEqual(one.Id, other.Id);
        Assert.Equal(one.Id, again.Id);
    }

    [Fact]
    public async Task Keys_OfTheSameOperation_AreTheSameInEveryProcessAtEveryTime()
    {
        string[] keys = [];
        for (int day = 0; day < 2; day++)
        {
            using var host = new PaymentHost();
            host.Clock.Advance(TimeSpan.FromDays(day));
            await host.CreateAsync();
            string[] now = [.. host.Fake.Requests.Where(request => request.Method == "POST").Select(
                request => request.IdempotencyKey!).Take(2)];
            Assert.True(day == 0 || keys.SequenceEqual(now));
            Assert.All(now, key => Assert.InRange(key.Length, 1, 255));
            keys = now;
        }
    }

    [Fact]
    public async Task TimeoutOfTheLink_NeverGetsASimulatedOneAndTheRealOneIsSettled()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.HangAfterEffect), "POST", LinksPath);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath, times: 4);

        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
        host.Fake.ClearFaults();
        PaymentLink link = await host.CreateAsync();

        Assert.Equal((Assert.Single(host.Fake.Links).Id, false), (link.Id, link.IsSimulated));
    }

    [Fact]
    public async Task RecordsLostAndOutageWithATestKey_TheSimulatedLinkIsNeverPresentedAsTheRealOne()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        PaymentLink real;
        using (var first = new PaymentHost(fake, clock))
        {
            real = await first.CreateAsync();
        }

        using var second = new PaymentHost(fake, clock);
        fake.FaultPolicy = _ => StripeFault.Status(503);
        PaymentLink standIn = await second.CreateAsync();
        fake.FaultPolicy = null;

        Assert.True(standIn.IsSimulated);
        Assert.StartsWith("sim_", standIn.Id, StringComparison.Ordinal);
        Assert.NotEqual(real.Url.Host, standIn.Url.Host);
        Assert.Null(await second.Links.FindAsync(real.Id));
        Assert.Equal(standIn.Id, (await second.CreateAsync()).Id);

        // A payment of the real link is told apart, not applied to the stand-in.
        StripeWebhook webhook = fake.BuildWebhook("checkout.session.completed", fake.Pay(real.Id)!.Id);
        Assert.Equal(
            WebhookEffect.Unmatched, (await second.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader)).Effect);
        Assert.Equal(PaymentStatus.Pending, (await second.Links.FindAsync(standIn.Id))!.Status);
    }

    [Fact]
    public async Task RecordsLostAndOutageWithALiveKey_FailsClosedThenFindsTheLink()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        string id;
        using (var first = new PaymentHost(fake, clock, key: PaymentHost.LiveKey))
        {
            id = (await first.CreateAsync()).Id;
        }

        using var second = new PaymentHost(fake, clock, key: PaymentHost.LiveKey);
        fake.FaultPolicy = _ => StripeFault.Status(503);
        Assert.Equal(PaymentError.Unavailable, (await second.FailsAsync()).Error);
        fake.FaultPolicy = null;
        clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(id, (await second.CreateAsync()).Id);
        Assert.Single(fake.Links);
    }
}
