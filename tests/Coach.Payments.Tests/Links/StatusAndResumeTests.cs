using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class StatusAndResumeTests
{
    private const string LinksPath = "/v1/payment_links";

    [Fact]
    public async Task WaitAsync_NobodyPays_PollsEveryTwoSecondsThenChangesNothing()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        long start = host.Clock.GetTimestamp();

        PaymentLink after = await host.RunAsync(host.Links.WaitAsync(link.Id));

        Assert.Equal(PaymentStatus.Pending, after.Status);
        Assert.False(after.IsFinal);
        Assert.Equal(15, host.Sent("GET", "/v1/checkout/sessions").Count);
        Assert.Equal(TimeSpan.FromSeconds(28).Ticks, host.Clock.GetTimestamp() - start);
    }

    [Fact]
    public async Task WaitAsync_HungPolls_GivesUpAfterThirtySeconds()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.FaultPolicy = _ => new StripeFault(StripeFaultKind.Hang);
        long start = host.Clock.GetTimestamp();

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => host.RunAsync(host.Links.WaitAsync(link.Id)));

        Assert.Equal(PaymentError.Unavailable, exception.Error);
        Assert.InRange(TimeSpan.FromTicks(host.Clock.GetTimestamp() - start).TotalSeconds, 5, 30);
        Assert.Equal(PaymentStatus.Pending, (await host.Links.FindAsync(link.Id))!.Status);
    }

    [Fact]
    public async Task WaitAsync_PaidMeanwhile_EndsAtTheNextPoll()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        Task<PaymentLink> wait = host.Links.WaitAsync(link.Id);
        host.Clock.Advance(TimeSpan.FromSeconds(3));
        host.Fake.Pay(link.Id);

        Assert.Equal(PaymentStatus.Succeeded, (await host.RunAsync(wait)).Status);
    }

    [Fact]
    public async Task WaitAsync_Cancelled_EndsAtOnce()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        using var cancel = new CancellationTokenSource();
        Task<PaymentLink> wait = host.Links.WaitAsync(link.Id, cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    [Fact]
    public async Task GetStatusAsync_ManySessionsOverManyPages_FindsThePaidOne()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Pay(link.Id);
        using (var other = new PaymentHost(host.Fake, host.Clock))
        {
            PaymentLink reusable = await other.CreateAsync(PaymentHost.Order("many") with { IsReusable = true });
            Assert.True(reusable.IsReusable);
            host.Fake.Pay(reusable.Id);
            for (int i = 0; i < 250; i++)
            {
                host.Fake.OpenSession(reusable.Id);
            }

            Assert.Equal(PaymentStatus.Succeeded, (await other.RunAsync(other.Links.GetStatusAsync(reusable.Id))).Status);
            Assert.Equal(3, host.Sent("GET", "/v1/checkout/sessions").Count);
        }
    }

    [Fact]
    public async Task DeactivateAsync_OpenPages_AreEndedAndTheLinkExpires()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession open = host.Fake.OpenSession(link.Id)!;

        PaymentLink closed = await host.RunAsync(host.Links.DeactivateAsync(link.Id));

        Assert.Equal(PaymentStatus.Expired, closed.Status);
        Assert.False(host.Fake.Links[0].IsActive);
        Assert.Null(host.Fake.Complete(open.Id));
        Assert.Equal(PaymentStatus.Expired, (await host.RunAsync(host.Links.DeactivateAsync(link.Id))).Status);
    }

    [Theory]
    [InlineData(true, PaymentStatus.Succeeded)]
    [InlineData(false, PaymentStatus.Processing)]
    public async Task DeactivateAsync_PaidOrOnItsWay_StaysSo(bool isPaid, PaymentStatus expected)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Pay(link.Id, isPaid);

        Assert.Equal(expected, (await host.RunAsync(host.Links.DeactivateAsync(link.Id))).Status);
    }

    [Fact]
    public async Task GetStatusAsync_UnknownLink_SaysSo()
    {
        using var host = new PaymentHost();

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => host.Links.GetStatusAsync("plink_unknown"));

        Assert.Equal(PaymentError.LinkNotFound, exception.Error);
        Assert.Null(await host.Links.FindAsync("plink_unknown"));
    }

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
    public async Task CreateAsync_RecordsLostAndTheLinkClosed_ShowsHowItEnded(bool paid, int hours, PaymentStatus expected)
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

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => two.RunAsync(two.Links.CreateAsync(PaymentHost.Order())));

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
            Items = [new PaymentLineItem("Negroni", Money.Create(500, "usd"), 2), new PaymentLineItem("Tip 25 %", Money.Create(250, "usd"))],
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
