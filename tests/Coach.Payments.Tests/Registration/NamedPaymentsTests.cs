using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Tests.Registration;

public sealed class NamedPaymentsTests
{
    [Fact]
    public async Task AddCoachPayments_TwoNamesAndTheDefault_KeepGatewayKeyStoreAndOptionsApart()
    {
        var clock = new VirtualClock();
        StripeFake shopFake = new(options => (options.Time, options.ApiKey) = (clock, "sk_test_shop"));
        StripeFake barFake = new(options => (options.Time, options.ApiKey) = (clock, "sk_test_bar"));
        ServiceCollection services = NewServices(clock, new Dictionary<string, string?>
        {
            ["STRIPE_API_KEY"] = "sk_test_bar",
            ["SHOP_STRIPE_KEY"] = "sk_test_shop",
            ["SHOP_STRIPE_WEBHOOKS"] = shopFake.WebhookSecret,
            ["Coach:Payments:shop:Stripe:ApiKeyName"] = "SHOP_STRIPE_KEY",
            ["Coach:Payments:shop:Stripe:WebhookSecretName"] = "SHOP_STRIPE_WEBHOOKS",
            ["Coach:Payments:shop:MaxRetries"] = "1",
        });
        services.AddCoachPayments().HttpClient.ConfigurePrimaryHttpMessageHandler(barFake.CreateHandler);
        services.AddCoachPayments("shop").HttpClient.ConfigurePrimaryHttpMessageHandler(shopFake.CreateHandler);
        services.AddCoachPayments("shop");
        services.AddCoachPayments("play").UseSimulated();
        await using ServiceProvider provider = services.BuildServiceProvider();
        var bar = provider.GetRequiredService<IPaymentLinks>();
        var shop = provider.GetRequiredKeyedService<IPaymentLinks>("shop");

        PaymentLink barLink = await RunAsync(clock, bar.CreateAsync(PaymentHost.Order()));
        PaymentLink shopLink = await RunAsync(clock, shop.CreateAsync(PaymentHost.Order()));
        PaymentLink playLink = await provider.GetRequiredKeyedService<IPaymentLinks>("play").CreateAsync(PaymentHost.Order());

        Assert.Equal((barLink.Id, shopLink.Id), (Assert.Single(barFake.Links).Id, Assert.Single(shopFake.Links).Id));
        Assert.NotEqual(barFake.Links[0].Metadata["coach_tag"], shopFake.Links[0].Metadata["coach_tag"]);
        Assert.True(playLink.IsSimulated);
        Assert.Null(await bar.FindAsync(playLink.Id));
        Assert.Null(await shop.FindAsync(playLink.Id));
        Assert.Equal(1, provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get("shop").MaxRetries);
        Assert.Equal(["payments", "payments:shop", "payments:play"], provider.GetServices<IComponentHealth>().Select(component => component.Name));
        StripeWebhook webhook = shopFake.BuildWebhook("checkout.session.completed", shopFake.Pay(shopLink.Id)!.Id);
        var webhooks = provider.GetRequiredKeyedService<IPaymentWebhooks>("shop");
        Assert.Equal(PaymentStatus.Succeeded, (await webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader)).Link!.Status);
    }

    [Fact]
    public void Options_OfAName_AreReportedUnderItsSection()
    {
        ServiceCollection services = NewServices(new VirtualClock(), []);
        services.AddCoachPayments("shop", options => (options.MaxRetries, options.Namespace, options.Stripe.ApiKeyName) = (11, "", "no name"));
        using ServiceProvider provider = services.BuildServiceProvider();

        var exception = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get("shop"));

        Assert.Equal(
            [
                "Coach:Payments:shop:MaxRetries is 11; it must be between 0 and 10.",
                "Coach:Payments:shop:Namespace must have 1 to 64 characters.",
                "Coach:Payments:shop:Stripe:ApiKeyName and WebhookSecretName must be names of secrets, of at most 100 letters, digits and '_'.",
            ], exception.Failures);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void AddCoachPayments_NameThatIsNone_IsRefused(string name) =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCoachPayments(name));

    [Fact]
    public async Task WithReconciliation_InTheBackground_SettlesEachMinuteAndGoesOnAfterAFailure()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        var store = new StoreThatFailsOnce(clock);
        ServiceCollection services = NewServices(clock, new Dictionary<string, string?> { ["STRIPE_API_KEY"] = PaymentHost.LiveKey });
        CoachPaymentsBuilder builder = services.AddCoachPayments().UseStore(_ => store).WithReconciliation().WithReconciliation();
        builder.HttpClient.ConfigurePrimaryHttpMessageHandler(fake.CreateHandler);
        await using ServiceProvider provider = services.BuildServiceProvider();
        IHostedService service = Assert.Single(provider.GetServices<IHostedService>().OfType<BackgroundService>());
        var links = provider.GetRequiredService<IPaymentLinks>();
        fake.Inject(new StripeFault(StripeFaultKind.HangAfterEffect), "POST", "/v1/payment_links");
        fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", "/v1/payment_links");
        Assert.Equal(PaymentError.Uncertain, (await Assert.ThrowsAsync<PaymentException>(() => RunAsync(clock, links.CreateAsync(PaymentHost.Order())))).Error);

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
            await RunAsync(clock, Task.Delay(TimeSpan.FromSeconds(1), clock).ContinueWith(_ => 0, TaskScheduler.Default));
        }

        Assert.Equal(0, await store.CountUnsettledAsync());
        Assert.InRange(clock.GetElapsedTime(store.FailedAt, clock.GetTimestamp()), TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(75));
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

        public override ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(int limit, CancellationToken cancellationToken = default)
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
