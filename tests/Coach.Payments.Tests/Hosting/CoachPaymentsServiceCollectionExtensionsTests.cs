using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Tests.Hosting;

public sealed class CoachPaymentsServiceCollectionExtensionsTests
{
    [Fact]
    public void Configuration_IsBoundBeforeTheHostsChanges_AndTwiceIsHarmless()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Coach:Payments:Stripe:BaseUrl"] = "http://127.0.0.1:9",
                ["Coach:Payments:MaxRetries"] = "1",
                ["Coach:Payments:TestModeOnly"] = "true",
            }).Build());
        services.AddCoachPayments(options => options.MaxRetries = 2);
        services.AddCoachPayments();
        using ServiceProvider provider = services.BuildServiceProvider();

        CoachPaymentsOptions options = provider.GetRequiredService<IOptions<CoachPaymentsOptions>>().Value;

        Assert.Equal(new Uri("http://127.0.0.1:9"), options.Stripe.BaseUrl);
        Assert.Equal(2, options.MaxRetries);
        Assert.True(options.TestModeOnly);
        Assert.Single(provider.GetServices<IComponentHealth>());
    }

    [Fact]
    public async Task AddCoachPayments_TwoNamesAndTheDefault_KeepGatewayKeyStoreAndOptionsApart()
    {
        var clock = new VirtualClock();
        StripeFake shopFake = new(options => (options.Time, options.ApiKey) = (clock, "sk_test_shop"));
        StripeFake barFake = new(options => (options.Time, options.ApiKey) = (clock, "sk_test_bar"));
        var settings = new Dictionary<string, string?>
        {
            ["STRIPE_API_KEY"] = "sk_test_bar",
            ["SHOP_STRIPE_KEY"] = "sk_test_shop",
            ["SHOP_STRIPE_WEBHOOKS"] = shopFake.WebhookSecret,
            ["Coach:Payments:shop:Stripe:ApiKeyName"] = "SHOP_STRIPE_KEY",
            ["Coach:Payments:shop:Stripe:WebhookSecretName"] = "SHOP_STRIPE_WEBHOOKS",
            ["Coach:Payments:shop:MaxRetries"] = "1",
        };
        await using var host = new TestHost(
            services =>
            {
                services.AddCoachPayments().HttpClient.ConfigurePrimaryHttpMessageHandler(barFake.CreateHandler);
                services.AddCoachPayments("shop").HttpClient
                    .ConfigurePrimaryHttpMessageHandler(shopFake.CreateHandler);
                services.AddCoachPayments("shop");
                services.AddCoachPayments("play").UseSimulated();
            },
            clock, settings);
        IServiceProvider provider = host.Services;
        var bar = provider.GetRequiredService<IPaymentLinks>();
        var shop = provider.GetRequiredKeyedService<IPaymentLinks>("shop");

        PaymentLink barLink = await PaymentHost.RunAsync(clock, bar.CreateAsync(PaymentHost.Order()));
        PaymentLink shopLink = await PaymentHost.RunAsync(clock, shop.CreateAsync(PaymentHost.Order()));
        PaymentLink playLink =
            await provider.GetRequiredKeyedService<IPaymentLinks>("play").CreateAsync(PaymentHost.Order());

        Assert.Equal((barLink.Id, shopLink.Id), (Assert.Single(barFake.Links).Id, Assert.Single(shopFake.Links).Id));
        Assert.NotEqual(barFake.Links[0].Metadata["coach_tag"], shopFake.Links[0].Metadata["coach_tag"]);
        Assert.True(playLink.IsSimulated);
        Assert.Null(await bar.FindAsync(playLink.Id));
        Assert.Null(await shop.FindAsync(playLink.Id));
        Assert.Equal(1, provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get("shop").MaxRetries);
        Assert.Equal(
            ["payments", "payments:shop", "payments:play"],
            provider.GetServices<IComponentHealth>().Select(component => component.Name));
        StripeWebhook webhook = shopFake.BuildWebhook("checkout.session.completed", shopFake.Pay(shopLink.Id)!.Id);
        var webhooks = provider.GetRequiredKeyedService<IPaymentWebhooks>("shop");
        Assert.Equal(
            PaymentStatus.Succeeded, (await webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader)).Link!.Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void AddCoachPayments_NameThatIsNone_IsRefused(string name) =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCoachPayments(name));
}
