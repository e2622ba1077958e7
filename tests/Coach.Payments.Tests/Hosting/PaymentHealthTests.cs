using Coach.Abstractions;
using Coach.Testing;

namespace Coach.Payments.Tests.Hosting;

public sealed class PaymentHealthTests
{
    [Theory]
    [InlineData("mock", null, ComponentState.Healthy)]
    [InlineData("auto", null, ComponentState.Healthy)]
    [InlineData("real", null, ComponentState.Degraded)]
    [InlineData("auto", PaymentHost.TestKey, ComponentState.Healthy)]
    public async Task Health_SaysWhatIsServed(string mode, string? key, ComponentState expected)
    {
        using var host = new PaymentHost(mode: mode, key: key);

        Assert.Equal(expected, (await host.Health.CheckAsync()).State);
    }

    [Theory]
    [InlineData(false, ComponentState.Degraded)]
    [InlineData(true, ComponentState.Unhealthy)]
    public async Task Health_ProviderDown_IsDegradedOrUnhealthyWhereRequired(bool required, ComponentState expected)
    {
        using var host = new PaymentHost(configure: options => options.Required = required);
        host.Fake.Inject(StripeFault.Status(503), times: 99);

        Assert.Equal(expected, (await host.Health.CheckAsync()).State);
        await host.Health.CheckAsync();
        Assert.Single(host.Fake.Requests);
    }
}
