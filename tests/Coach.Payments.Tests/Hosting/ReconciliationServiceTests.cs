using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Tests.Hosting;

public sealed class ReconciliationServiceTests
{
    [Fact]
    public async Task WithReconciliation_InTheBackground_SettlesEachMinuteAndGoesOnAfterAFailure()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new StoreThatFailsOnce(clock);
        ServiceCollection services =
            NewServices(clock, new Dictionary<string, string?> { ["STRIPE_API_KEY"] = PaymentHost.LiveKey });
        CoachPaymentsBuilder builder =
            services.AddCoachPayments().UseStore(_ => store).WithReconciliation().WithReconciliation();
        builder.HttpClient.ConfigurePrimaryHttpMessageHandler(fake.CreateHandler);
        await using ServiceProvider provider = services.BuildServiceProvider();
        IHostedService service = Assert.Single(provider.GetServices<IHostedService>().OfType<BackgroundService>());
        var links = provider.GetRequiredService<IPaymentLinks>();
        fake.Inject(new StripeFault(StripeFaultKind.HangAfterEffect), "POST", "/v1/payment_links");
        fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", "/v1/payment_links");
        Assert.Equal(
            PaymentError.Uncertain,
            (
                await Assert.ThrowsAsync<PaymentException>(
                    () => RunAsync(clock, links.CreateAsync(PaymentHost.Order())))).Error);

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
            await RunAsync(
                clock, Task.Delay(TimeSpan.FromSeconds(1), clock).ContinueWith(_ => 0, TaskScheduler.Default));
        }

        Assert.Equal(0, await store.CountUnsettledAsync());
        Assert.InRange(
            clock.GetElapsedTime(store.FailedAt, clock.GetTimestamp()), TimeSpan.FromSeconds(59),
            TimeSpan.FromSeconds(75));
        Assert.NotNull(await links.FindAsync(Assert.Single(fake.Links).Id));
        await service.StopAsync(CancellationToken.None);
    }

    private static ServiceCollection NewServices(VirtualClock clock, Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(clock);
        services.AddSingleton(new Random(1));
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        return services;
    }

    private static async Task<T> RunAsync<T>(VirtualClock clock, Task<T> task)
    {
        await clock.RunUntilAsync(task);
        return await task;
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
