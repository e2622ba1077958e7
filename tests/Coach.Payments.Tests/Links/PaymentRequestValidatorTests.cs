namespace Coach.Payments.Tests.Links;

public sealed class PaymentRequestValidatorTests
{
    [Theory]
    [InlineData("session-with-dashes_1:7", true)]
    [InlineData("order.1/2 (second try)", true)]
    [InlineData("", false)]
    [InlineData(" x", false)]
    [InlineData("tab\u0000", false)]
    [InlineData("straße", false)]
    public async Task OperationKeys_AreOpaqueOrRefusedAloud(string key, bool isAccepted)
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
    public async Task Amounts_AreExactAndAWrongOneSendsNothing()
    {
        using var host = new PaymentHost();
        Money tab = Money.Sum("usd", Enumerable.Repeat(Money.Parse("0.10 USD"), 10));
        Assert.Equal((100, 13), (tab.MinorUnits, Money.Parse("1.25 USD").Percent(10).MinorUnits));

        Assert.Equal(
            PaymentError.RequestInvalid, (await host.FailsAsync(PaymentHost.Order() with { Amount = default })).Error);
        Assert.Equal(PaymentError.RequestInvalid, (await host.FailsAsync(PaymentHost.Order(amount: 0))).Error);
        Assert.Equal(PaymentError.RequestInvalid,
            (
                await host.FailsAsync(
                    PaymentHost.Order() with
                    { Items = [new PaymentLineItem("Beer", Money.Create(1249, "usd"))] })).Error);
        Assert.Empty(host.Fake.Requests);
        await host.CreateAsync(PaymentHost.Order("yen", 1250, "jpy"));
        Assert.Equal((1250L, "jpy"), (host.Fake.Links[0].AmountTotal, host.Fake.Links[0].Currency));
    }
}
