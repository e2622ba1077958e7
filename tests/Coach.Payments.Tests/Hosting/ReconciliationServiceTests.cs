using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Payments.Tests.Hosting;

public sealed class ReconciliationServiceTests
{
    [Fact]
    public async Task WithReconciliation_InTheBackground_SettlesEachMinuteAndGoesOnAfterAFailure()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new StoreThatFailsOnce(clock);
        using var host = new PaymentHost(
            fake, clock, store, PaymentHost.LiveKey,
            build: payments => payments.WithReconciliation().WithReconciliation());
        IHostedService service = Assert.Single(host.Services.GetServices<IHostedService>().OfType<BackgroundService>());
        IPaymentLinks links = host.Links;
        fake.Inject(new StripeFault(StripeFaultKind.HangAfterEffect), "POST", "/v1/payment_links");
        fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", "/v1/payment_links");
        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);

        // The first pass fails with the store; the second settles.
        store.FailsNextList = true;
        await service.StartAsync(CancellationToken.None);
        while (store.FailsNextList)
        {
            await Task.Yield();
        }

        Assert.Equal(1, await store.CountUnsettledAsync());
        for (int i = 0; i < 100 && await store.CountUnsettledAsync() > 0; i++)
        {
            await PaymentHost.RunAsync(
                clock, Task.Delay(TimeSpan.FromSeconds(1), clock).ContinueWith(_ => 0, TaskScheduler.Default));
        }

        Assert.Equal(0, await store.CountUnsettledAsync());
        Assert.InRange(
            clock.GetElapsedTime(store.FailedAt, clock.GetTimestamp()), TimeSpan.FromSeconds(59),
            TimeSpan.FromSeconds(75));
        Assert.NotNull(await links.FindAsync(Assert.Single(fake.Links).Id));
        await service.StopAsync(CancellationToken.None);
    }

    private sealed class StoreThatFailsOnce(VirtualClock clock) : StoreWrapper(new MemoryIdempotencyStore(clock))
    {
        public bool FailsNextList { get; set; }

        public long FailedAt { get; private set; }

        public override ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
            int limit, CancellationToken cancellationToken = default)
        {
            if (!FailsNextList)
            {
                return base.ListUnsettledAsync(limit, cancellationToken);
            }

            (FailsNextList, FailedAt) = (false, clock.GetTimestamp());
            throw new IOException("The store failed by script.");
        }
    }
}
