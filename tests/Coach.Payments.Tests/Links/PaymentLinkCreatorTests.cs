using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class PaymentLinkCreatorTests
{
    private const string LinksPath = "/v1/payment_links";

    [Fact]
    public async Task CreateAsync_RecordsLost_FindsTheLinkByItsNaturalKeyEvenAfterADay()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        string id;
        using (var first = new PaymentHost(fake, clock))
        {
            id = (await first.CreateAsync()).Id;
        }

        clock.Advance(TimeSpan.FromHours(30));
        using var second = new PaymentHost(fake, clock);
        PaymentLink found = await second.CreateAsync();

        Assert.Equal(id, found.Id);
        Assert.Single(fake.Links);
    }

    [Fact]
    public async Task CreateAsync_RecordsAndNoteLost_SearchesTheAccountsLinks()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        string id;
        using (var first = new PaymentHost(fake, clock, configure: options => options.Stripe.NoteLinks = false))
        {
            id = (await first.CreateAsync()).Id;
            for (int i = 0; i < 120; i++)
            {
                await first.CreateAsync(PaymentHost.Order($"other-{i}"));
            }
        }

        clock.Advance(TimeSpan.FromHours(30));
        using var second = new PaymentHost(fake, clock);
        Assert.Equal(id, (await second.CreateAsync()).Id);
        Assert.Equal(121, fake.Links.Count);
    }

    [Fact]
    public async Task CreateAsync_RecordsLostAndAnotherRequest_IsStillAConflict()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        using (var first = new PaymentHost(fake, clock))
        {
            await first.CreateAsync();
        }

        clock.Advance(TimeSpan.FromHours(30));
        using var second = new PaymentHost(fake, clock);
        Assert.Equal(PaymentError.IdempotencyConflict, (await second.FailsAsync(PaymentHost.Order(amount: 999))).Error);

        // The refused request must not stand in the right one's way, nor become it.
        PaymentLink right = await second.CreateAsync();
        Assert.Equal(PaymentHost.Order().Amount, right.Amount);
        Assert.Single(fake.Links);
        Assert.Equal(PaymentError.IdempotencyConflict, (await second.FailsAsync(PaymentHost.Order(amount: 999))).Error);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    public async Task CreateAsync_RecordsLost_SaysThatTheLinkIsAnEarlierOne(int hours)
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        using (var first = new PaymentHost(fake, clock))
        {
            Assert.False((await first.CreateAsync()).IsReplay);
        }

        clock.Advance(TimeSpan.FromHours(hours));
        using var second = new PaymentHost(fake, clock);
        Assert.True((await second.CreateAsync()).IsReplay);
        Assert.Single(fake.Links);
    }

    [Theory]
    [InlineData(false, 1, PaymentStatus.Expired)]
    [InlineData(true, 1, PaymentStatus.Succeeded)]
    [InlineData(false, 30, PaymentStatus.Expired)]
    [InlineData(true, 30, PaymentStatus.Succeeded)]
    public async Task CreateAsync_RecordsLostAndTheLinkClosed_ShowsHowItEnded(
        bool paid, int hours, PaymentStatus expected)
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        using (var first = new PaymentHost(fake, clock))
        {
            PaymentLink link = await first.CreateAsync();
            if (paid)
            {
                fake.Pay(link.Id);
            }

            await first.RunAsync(first.Links.DeactivateAsync(link.Id));
        }

        clock.Advance(TimeSpan.FromHours(hours));
        using var second = new PaymentHost(fake, clock);
        PaymentLink found = await second.CreateAsync();
        Assert.Equal(expected, found.Status);
        Assert.Equal(expected, (await second.RunAsync(second.Links.GetStatusAsync(found.Id))).Status);
    }

    [Fact]
    public async Task CreateAsync_TwoReplicasAtOnce_MakeOneLink()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new MemoryIdempotencyStore(clock);
        using var one = new PaymentHost(fake, clock, store);
        using var two = new PaymentHost(fake, clock, store);
        fake.Inject(new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(2) }, "POST", LinksPath);

        Task<PaymentLink> first = one.Links.CreateAsync(PaymentHost.Order());
        Task<PaymentLink> second = two.Links.CreateAsync(PaymentHost.Order());
        await clock.RunUntilAsync(Task.WhenAll(first, second));

        Assert.Equal((await first).Id, (await second).Id);
        Assert.True((await second).IsReplay);
        Assert.Single(fake.Links);
    }

    [Fact]
    public async Task CreateAsync_RunningElsewhereForLonger_SaysInProgress()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new MemoryIdempotencyStore(clock);
        using var one = new PaymentHost(fake, clock, store);
        using var two = new PaymentHost(fake, clock, store);
        fake.Inject(new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(7) }, "POST", LinksPath);
        Task<PaymentLink> first = one.Links.CreateAsync(PaymentHost.Order());

        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => two.RunAsync(two.Links.CreateAsync(PaymentHost.Order())));

        Assert.Equal("ERR_IDEMPOTENCY_IN_PROGRESS", exception.Code);
        Assert.NotNull(exception.RetryAfter);
        await clock.RunUntilAsync(first);
        Assert.Single(fake.Links);
    }

    [Fact]
    public async Task CreateAsync_Items_BecomeLinesThatAddUp()
    {
        using var host = new PaymentHost();
        PaymentLinkRequest request = PaymentHost.Order() with
        {
            Items = [new PaymentLineItem("Negroni", Money.Create(500, "usd"), 2), new PaymentLineItem(
                "Tip 25 %", Money.Create(250, "usd"))],
            Metadata = new Dictionary<string, string> { ["table"] = "4 & 5" },
            RedirectUrl = new Uri("https://example.com/paid?session={CHECKOUT_SESSION_ID}"),
        };

        await host.CreateAsync(request);

        StripeFakeLink link = Assert.Single(host.Fake.Links);
        Assert.Equal(1250, link.AmountTotal);
        Assert.Equal([2L, 1L], link.Lines.Select(line => line.Quantity));
        Assert.Equal("4 & 5", link.Metadata["table"]);
        Assert.Equal("https://example.com/paid?session={CHECKOUT_SESSION_ID}", link.RedirectUrl?.ToString());
        Assert.Equal(["Negroni", "Tip 25 %"], host.Fake.Prices.Select(price => price.ProductName));
    }
}
