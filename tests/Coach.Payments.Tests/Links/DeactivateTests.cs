using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class DeactivateTests
{
    private const string LinksPath = "/v1/payment_links/plink";

    [Fact]
    public async Task DeactivateAsync_UnknownLink_SaysSo()
    {
        using var host = new PaymentHost();

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => host.Links.DeactivateAsync("plink_unknown"));

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
        Assert.Equal((link.Id, PaymentStatus.Expired), ((await host.CreateAsync()).Id, (await host.CreateAsync()).Status));
    }

    [Fact]
    public async Task DeactivateAsync_AnswerLostThenRepeated_IsClosedOnceAndStaysSo()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Inject(new StripeFault(StripeFaultKind.LoseAnswer), "POST", LinksPath);

        Assert.Equal(PaymentStatus.Expired, (await host.RunAsync(host.Links.DeactivateAsync(link.Id))).Status);
        Assert.Equal(PaymentStatus.Expired, (await host.RunAsync(host.Links.GetStatusAsync(link.Id))).Status);
        Assert.Null(host.Fake.OpenSession(link.Id));
    }

    [Theory]
    [InlineData(503, PaymentError.Unavailable, "ERR_PAYMENTS_UNAVAILABLE")]
    [InlineData(403, PaymentError.Rejected, "ERR_PAYMENT_REJECTED")]
    [InlineData(404, PaymentError.Rejected, "ERR_PAYMENT_REJECTED")]
    public async Task DeactivateAsync_ProviderFailsOrRefuses_SaysWhichAndLeavesTheStatus(int status, PaymentError error, string code)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        host.Fake.Inject(StripeFault.Status(status), "POST", LinksPath, times: 9);

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => host.RunAsync(host.Links.DeactivateAsync(link.Id)));

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
        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => mock.Links.DeactivateAsync(link.Id));
        Assert.Equal((PaymentError.Rejected, false), (exception.Error, exception.IsTransient));
        Assert.Equal(sent, fake.Requests.Count);
    }
}
