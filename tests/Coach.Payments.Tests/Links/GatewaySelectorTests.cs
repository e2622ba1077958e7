using Coach.Abstractions;
using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class GatewaySelectorTests
{
    [Fact]
    public async Task LiveKeyWithTestModeOnly_IsRefusedWithoutARequest()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey, configure: options => options.TestModeOnly = true);

        PaymentException exception = await host.FailsAsync();

        Assert.Equal("ERR_PAYMENTS_UNAVAILABLE", exception.Code);
        Assert.Empty(host.Fake.Requests);
        Assert.Equal(ComponentState.Degraded, (await host.Health.CheckAsync()).State);
    }

    [Theory]
    [InlineData("auto", null, true, true)]
    [InlineData("real", null, true, false)]
    [InlineData("auto", null, false, false)]
    [InlineData("auto", PaymentHost.TestKey, true, true)]
    [InlineData("auto", PaymentHost.TestKey, false, false)]
    [InlineData("auto", PaymentHost.LiveKey, true, false)]
    [InlineData("real", PaymentHost.LiveKey, true, false)]
    [InlineData("real", "rk_test_1", true, true)]
    [InlineData("real", "rk_live_1", true, false)]
    [InlineData("real", "some_other_key", true, false)]
    [InlineData("mock", PaymentHost.LiveKey, true, true)]
    public async Task Fallback_WhileTheProviderIsDown_OnlyWherePolicyAllows(
        string mode, string? key, bool allow, bool isSimulated)
    {
        using var host = new PaymentHost(key: key, mode: mode, configure: options => options.FallBackToSimulated = allow);
        host.Fake.FaultPolicy = _ => StripeFault.Status(503);

        if (isSimulated)
        {
            Assert.True((await host.CreateAsync()).IsSimulated);
        }
        else
        {
            PaymentException exception = await host.FailsAsync();
            Assert.Equal(PaymentError.Unavailable, exception.Error);
            Assert.Equal("ERR_PAYMENTS_UNAVAILABLE", exception.Code);
        }

        Assert.Empty(host.Fake.Links);
    }
}
