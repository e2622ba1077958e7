using Coach.Payments.Gateways;
using Coach.Payments.Stripe;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Payments.Tests.Configuration;

/// <summary>Each option that no other test sets: what it changes.</summary>
public sealed class CoachPaymentsOptionsTests
{
    private const string LinksPath = "/v1/payment_links";
    private const string SessionsPath = "/v1/checkout/sessions";

    [Fact]
    public async Task RetryDelay_TenSeconds_IsTheFirstWaitLessUpToAQuarter()
    {
        using var host = new PaymentHost(configure: options =>
            (options.RetryDelay, options.TotalTimeout) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30)));
        host.Fake.Inject(StripeFault.Status(503), "POST", LinksPath);
        long start = host.Clock.GetTimestamp();

        await host.CreateAsync();

        Assert.InRange(host.Clock.GetElapsedTime(start), TimeSpan.FromSeconds(7.5), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task JoinTimeout_Zero_DoesNotWaitForTheOtherReplica()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new MemoryIdempotencyStore(clock);
        using var one = new PaymentHost(fake, clock, store);
        using var two = new PaymentHost(fake, clock, store, configure: options => options.JoinTimeout = TimeSpan.Zero);
        fake.Inject(new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(1) }, "POST", LinksPath);
        Task<PaymentLink> first = one.Links.CreateAsync(PaymentHost.Order());
        long start = clock.GetTimestamp();

        var exception =
            await Assert.ThrowsAsync<PaymentException>(() => two.Links.CreateAsync(PaymentHost.Order()));

        Assert.Equal((PaymentError.IdempotencyInProgress, start), (exception.Error, clock.GetTimestamp()));
        await clock.RunUntilAsync(first);
    }

    [Fact]
    public async Task ProbeCacheDuration_Zero_ProbesBeforeEachLink()
    {
        using var host = new PaymentHost(configure: options => options.ProbeCacheDuration = TimeSpan.Zero);

        await host.CreateAsync(PaymentHost.Order("order-1"));
        await host.CreateAsync(PaymentHost.Order("order-2"));

        Assert.Equal(2, host.Sent("GET", "/v1/balance").Count);
    }

    [Fact]
    public async Task ProbeFailureCacheDuration_AnHour_DoesNotProbeBefore()
    {
        using var host =
            new PaymentHost(configure: options => options.ProbeFailureCacheDuration = TimeSpan.FromHours(1));
        host.Fake.Inject(new StripeFault(StripeFaultKind.Refuse), "GET", "/v1/balance");
        Assert.True((await host.CreateAsync(PaymentHost.Order("order-1"))).IsSimulated);
        host.Clock.Advance(TimeSpan.FromMinutes(59));
        Assert.True((await host.CreateAsync(PaymentHost.Order("order-2"))).IsSimulated);
        Assert.Single(host.Sent("GET", "/v1/balance"));

        host.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.False((await host.CreateAsync(PaymentHost.Order("order-3"))).IsSimulated);
    }

    [Fact]
    public async Task PollIntervalAndWaitTimeout_TenOfTwentyFiveSeconds_PollAtZeroTenAndTwenty()
    {
        using var host = new PaymentHost(configure: options =>
            (options.PollInterval, options.WaitTimeout) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(25)));
        PaymentLink link = await host.CreateAsync();
        DateTimeOffset start = host.Clock.GetUtcNow();

        await host.RunAsync(host.Links.WaitAsync(link.Id));

        Assert.Equal([0, 10, 20], host.Sent("GET", SessionsPath).Select(poll => (poll.ReceivedAt - start).TotalSeconds));
    }

    [Fact]
    public async Task MaxPolls_Two_EndsTheWait()
    {
        using var host = new PaymentHost(configure: options => options.MaxPolls = 2);
        PaymentLink link = await host.CreateAsync();

        await host.RunAsync(host.Links.WaitAsync(link.Id));

        Assert.Equal(2, host.Sent("GET", SessionsPath).Count);
    }

    [Fact]
    public async Task PollTimeout_OneSecond_EndsOneQuestionWithItsRetries()
    {
        using var host = new PaymentHost(configure: options => options.PollTimeout = TimeSpan.FromSeconds(1));
        PaymentLink link = await host.CreateAsync();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "GET", SessionsPath, times: 9);
        long start = host.Clock.GetTimestamp();

        var exception = await Assert.ThrowsAsync<PaymentException>(
            () => host.RunAsync(host.Links.GetStatusAsync(link.Id)));

        Assert.Equal(PaymentError.Unavailable, exception.Error);
        Assert.Equal(TimeSpan.FromSeconds(1), host.Clock.GetElapsedTime(start));
    }

    [Fact]
    public async Task MaxRecords_One_RefusesRatherThanForgetAnUnpaidLink()
    {
        using var host = new PaymentHost(configure: options => options.MaxRecords = 1);
        PaymentLink first = await host.CreateAsync(PaymentHost.Order("order-1"));

        PaymentException refused = await host.FailsAsync(PaymentHost.Order("order-2"));
        await host.RunAsync(host.Links.DeactivateAsync(first.Id));
        await ConfirmAllAsync(host);
        PaymentLink second = await host.CreateAsync(PaymentHost.Order("order-2"));

        Assert.Equal(PaymentError.Unavailable, refused.Error);
        Assert.Contains("raise Coach:Payments:MaxRecords", refused.Message, StringComparison.Ordinal);
        Assert.Null(await host.Links.FindAsync(first.Id));
        Assert.NotNull(await host.Links.FindAsync(second.Id));
    }

    private static async Task ConfirmAllAsync(PaymentHost host)
    {
        foreach (PaymentFact fact in await host.Events.ClaimAsync(100))
        {
            await host.Events.ConfirmAsync(fact);
        }
    }

    [Fact]
    public async Task Retention_OneDay_ForgetsWhatNothingTouchedSince()
    {
        using var host = new PaymentHost(
            configure: options => options.Retention = TimeSpan.FromDays(1), build: payments => payments.WithReconciliation());
        PaymentLink old = await host.CreateAsync(PaymentHost.Order("order-1"));
        host.Clock.Advance(TimeSpan.FromDays(2));
        PaymentLink recent = await host.CreateAsync(PaymentHost.Order("order-2"));
        IHostedService service = host.Services.GetServices<IHostedService>().OfType<BackgroundService>().Single();

        await service.StartAsync(CancellationToken.None);
        while (await host.Links.FindAsync(old.Id) is not null)
        {
            await Task.Yield();
        }

        Assert.NotNull(await host.Links.FindAsync(recent.Id));
        await service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task ReconcileInterval_TenMinutes_IsTheTimeBetweenTwoPasses()
    {
        var clock = new VirtualClock();
        var store = new PassCounter(clock);
        using var host = new PaymentHost(
            clock: clock, store: store, configure: options => options.ReconcileInterval = TimeSpan.FromMinutes(10),
            build: payments => payments.WithReconciliation());
        IHostedService service = host.Services.GetServices<IHostedService>().OfType<BackgroundService>().Single();
        long start = clock.GetTimestamp();

        await service.StartAsync(CancellationToken.None);
        await clock.RunUntilAsync(store.SecondPass);

        Assert.Equal(TimeSpan.FromMinutes(10), clock.GetElapsedTime(start));
        await service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task ReconcileBatch_One_LooksAtOneOperationAPass()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey, configure: options => options.ReconcileBatch = 1);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath, times: 4);
        await host.FailsAsync(PaymentHost.Order("order-1"));
        await host.FailsAsync(PaymentHost.Order("order-2"));
        Assert.Equal(2, await host.Store.CountUnsettledAsync());

        ReconciliationReport report = await host.RunAsync(host.Links.ReconcileAsync());

        Assert.Equal(new ReconciliationReport(1, 1, 0), report);
        Assert.Equal(1, await host.Store.CountUnsettledAsync());
    }

    [Fact]
    public async Task SettleDelay_ThirtySeconds_IsHowLongASearchThatFindsNothingProvesNothing()
    {
        using var host = new PaymentHost(
            configure: options => options.SettleDelay = TimeSpan.FromSeconds(30),
            build: payments => payments.UseGateway(provider =>
                new GatewayWithoutKeys(provider.GetRequiredKeyedService<StripeGateway>(payments.ServiceKey))));
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", LinksPath);
        await host.FailsAsync();

        PaymentException tooEarly = await host.FailsAsync();
        host.Clock.Advance(tooEarly.RetryAfter!.Value);
        PaymentLink link = await host.CreateAsync();

        Assert.Equal(PaymentError.Uncertain, tooEarly.Error);
        Assert.InRange(tooEarly.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        Assert.Equal(link.Id, Assert.Single(host.Fake.Links).Id);
    }

    private sealed class PassCounter(VirtualClock clock) : StoreWrapper(new MemoryIdempotencyStore(clock))
    {
        private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _passes;

        public Task SecondPass => _second.Task;

        public override ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
            int limit, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Increment(ref _passes) == 2)
            {
                _second.SetResult();
            }

            return base.ListUnsettledAsync(limit, cancellationToken);
        }
    }

    private sealed class GatewayWithoutKeys(IPaymentGateway inner) : GatewayWrapper(inner)
    {
        public override GatewayCapabilities Capabilities { get; } =
            GatewayCapabilities.Full with { HasIdempotencyKeys = false };
    }
}
