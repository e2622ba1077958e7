using Coach.Testing;

namespace Coach.Payments.Tests.Resilience;

public sealed class GatewayAvailabilityTests
{
    [Fact]
    public async Task HungProbe_EndsAfterFiveSecondsAndCountsAsDown()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "GET", "/v1/balance");
        long start = host.Clock.GetTimestamp();

        PaymentLink link = await host.CreateAsync();

        Assert.True(link.IsSimulated);
        Assert.Equal(TimeSpan.FromSeconds(5).Ticks, host.Clock.GetTimestamp() - start);
    }

    [Fact]
    public async Task ConcurrentCallers_ProbeOnceAndAFailureIsForgottenSooner()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Refuse), "GET", "/v1/balance");
        Task<PaymentLink>[] calls =
            [.. Enumerable.Range(0, 20).Select(i => host.Links.CreateAsync(PaymentHost.Order($"order-{i}")))];
        await host.Clock.RunUntilAsync(Task.WhenAll(calls));
        Assert.All(calls, call => Assert.True(call.Result.IsSimulated));
        Assert.Single(host.Sent("GET", "/v1/balance"));

        host.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.False((await host.CreateAsync(PaymentHost.Order("order-99"))).IsSimulated);
        host.Clock.Advance(TimeSpan.FromSeconds(29));
        await host.CreateAsync(PaymentHost.Order("order-100"));
        Assert.Equal(2, host.Sent("GET", "/v1/balance").Count);
    }
}
