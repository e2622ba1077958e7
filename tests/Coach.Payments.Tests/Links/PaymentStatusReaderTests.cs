using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class PaymentStatusReaderTests
{
    private const string ClosePath = "/v1/payment_links/plink";

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

        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => host.RunAsync(host.Links.WaitAsync(link.Id)));

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

            Assert.Equal(
                PaymentStatus.Succeeded, (await other.RunAsync(other.Links.GetStatusAsync(reusable.Id))).Status);
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

        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => host.Links.GetStatusAsync("plink_unknown"));

        Assert.Equal(PaymentError.LinkNotFound, exception.Error);
        Assert.Null(await host.Links.FindAsync("plink_unknown"));
    }

    [Fact]
    public async Task DeactivateAsync_UnknownLink_SaysSo()
    {
        using var host = new PaymentHost();

        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => host.Links.DeactivateAsync("plink_unknown"));

        Assert.Equal((PaymentError.LinkNotFound, "ERR_REQUEST_INVALID"), (exception.Error, exception.Code));
        Assert.Empty(host.Fake.Requests);
    }

    [Fact]
    public async Task DeactivateAsync_Simulated_ExpiresAndIsNotPaidLater()
    {
        using var host = new PaymentHost(mode: "mock");
        PaymentLink link = await host.CreateAsync();

        Assert.Equal(PaymentStatus.Expired, (await host.Links.DeactivateAsync(link.Id)).Status);
        host.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(PaymentStatus.Expired, (await host.Links.GetStatusAsync(link.Id)).Status);
        Assert.Equal(PaymentStatus.Expired, (await host.Links.DeactivateAsync(link.Id)).Status);
        Assert.Equal(
            (link.Id, PaymentStatus.Expired), ((await host.CreateAsync()).Id, (await host.CreateAsync()).Status));
    }

    [Fact]
    public async Task DeactivateAsync_AnswerLostThenRepeated_IsClosedOnceAndStaysSo()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Inject(new StripeFault(StripeFaultKind.LoseAnswer), "POST", ClosePath);

        Assert.Equal(PaymentStatus.Expired, (await host.RunAsync(host.Links.DeactivateAsync(link.Id))).Status);
        Assert.Equal(PaymentStatus.Expired, (await host.RunAsync(host.Links.GetStatusAsync(link.Id))).Status);
        Assert.Null(host.Fake.OpenSession(link.Id));
    }

    [Theory]
    [InlineData(503, PaymentError.Unavailable, "ERR_PAYMENTS_UNAVAILABLE")]
    [InlineData(403, PaymentError.Rejected, "ERR_PAYMENT_REJECTED")]
    [InlineData(404, PaymentError.Rejected, "ERR_PAYMENT_REJECTED")]
    public async Task DeactivateAsync_ProviderFailsOrRefuses_SaysWhichAndLeavesTheStatus(
        int status, PaymentError error, string code)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Inject(StripeFault.Status(status), "POST", ClosePath, times: 9);

        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => host.RunAsync(host.Links.DeactivateAsync(link.Id)));

        Assert.Equal((error, code), (exception.Error, exception.Code));
        Assert.Equal(PaymentStatus.Pending, (await host.Links.FindAsync(link.Id))!.Status);
    }

    [Fact]
    public async Task RealLink_InAHostOfMockMode_IsLeftAlone()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new MemoryIdempotencyStore(clock);
        PaymentLink link;
        using (var real = new PaymentHost(fake, clock, store))
        {
            link = await real.CreateAsync();
        }

        int sent = fake.Requests.Count;
        using var mock = new PaymentHost(fake, clock, store, mode: "mock");

        Assert.Equal(PaymentStatus.Pending, (await mock.RunAsync(mock.Links.GetStatusAsync(link.Id))).Status);
        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => mock.Links.DeactivateAsync(link.Id));
        Assert.Equal((PaymentError.Rejected, false), (exception.Error, exception.IsTransient));
        Assert.Equal(sent, fake.Requests.Count);
    }
}
