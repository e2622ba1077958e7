using Coach.Payments.Gateways;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Mcp.Tests.Configuration;

public sealed class StripeMcpOptionsTests
{
    [Fact]
    public void UseStripeMcp_Configuration_IsBoundBeforeTheHostsOwnChange()
    {
        using ServiceProvider services = Build(new()
        {
            ["Coach:Payments:Mcp:Command"] = "npx",
            ["Coach:Payments:Mcp:Arguments:0"] = "-y",
            ["Coach:Payments:Mcp:Arguments:1"] = "@stripe/mcp@0.2.5",
            ["Coach:Payments:Mcp:EnvironmentVariables:HTTPS_PROXY"] = "http://proxy:3128",
            ["Coach:Payments:Mcp:CallTimeout"] = "00:00:07",
            ["Coach:Payments:Mcp:MaxPages"] = "3",
        }, options => options.MaxPages = 4);
        StripeMcpOptions options = services.GetRequiredService<IOptions<StripeMcpOptions>>().Value;
        Assert.Equal(("npx", TimeSpan.FromSeconds(7), 4), (options.Command, options.CallTimeout, options.MaxPages));
        Assert.Equal(["-y", "@stripe/mcp@0.2.5"], options.Arguments);
        Assert.Equal("http://proxy:3128", options.EnvironmentVariables["HTTPS_PROXY"]);
        Assert.Equal("stripe-mcp", services.GetRequiredService<IPaymentGateway>().Name);
    }

    [Fact]
    public void UseStripeMcp_Twice_IsHarmless()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["Coach:Payments:Mcp:Arguments:0"] = "one" }).Build());
        services.AddLogging();
        services.AddCoachPayments().UseStripeMcp().UseStripeMcp();
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Single(provider.GetServices<IPaymentGateway>());
        Assert.Equal(["one"], provider.GetRequiredService<IOptions<StripeMcpOptions>>().Value.Arguments);
    }

    [Fact]
    public void Validate_EveryProblem_IsReportedAtOnceWithoutTheKey()
    {
        using ServiceProvider services = Build([], options =>
        {
            options.Url = new Uri("https://mcp.stripe.com/?key=1");
            options.Arguments = ["--api-key=sk_test_canary4242Coach"];
            options.EnvironmentVariables["A"] = "rk_live_canary4242Coach";
            options.KeyVariable = "A=B";
            options.StripeContext = "acct 1";
            options.InitializationTimeout = TimeSpan.Zero;
            options.CallTimeout = TimeSpan.FromHours(1);
            options.ReconnectDelay = TimeSpan.FromMinutes(2);
            options.MaxResultLength = 1;
            options.MaxPages = 0;
        });
        var exception = Assert
            .Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<StripeMcpOptions>>().Value);
        Assert.Equal(
        [
            "Coach:Payments:Mcp:InitializationTimeout is 00:00:00; it must be between 00:00:00.1000000 and 00:05:00.",
            "Coach:Payments:Mcp:CallTimeout is 01:00:00; it must be between 00:00:00.1000000 and 00:05:00.",
            "Coach:Payments:Mcp:ReconnectDelay is 00:02:00; it must be between 00:00:00 and 00:01:00.",
            "Coach:Payments:Mcp:MaxResultLength is 1; it must be between 4096 and 16777216.",
            "Coach:Payments:Mcp:MaxPages is 0; it must be between 1 and 10000.",
            "Coach:Payments:Mcp:KeyVariable must be the name of an environment variable, such as 'STRIPE_SECRET_KEY'.",
            "Coach:Payments:Mcp:StripeContext must be an account id such as 'acct_123', of at most 200 letters, "
            + "digits, '_' and '/'.",
            "Coach:Payments:Mcp:Arguments holds a key, which everybody on the machine could read; remove it and "
            + "set STRIPE_API_KEY.",
            "Coach:Payments:Mcp:EnvironmentVariables holds a key or something that is no variable's name; set "
            + "STRIPE_API_KEY instead.",
            "Coach:Payments:Mcp:Url carries credentials or a query; keys travel in headers, so give the bare address.",
        ], exception.Failures);
    }

    [Fact]
    public async Task UseStripeMcp_OfNamedPayments_HasOptionsGatewayAndConnectionOfItsOwn()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Coach:Payments:Mcp:Url"] = "http://127.0.0.1:1/default",
                ["Coach:Payments:Mcp:shop:Url"] = "http://127.0.0.1:1/shop",
                ["Coach:Payments:Mcp:shop:CallTimeout"] = "00:00:07",
            }).Build());
        services.AddCoachPayments().UseStripeMcp();
        services.AddCoachPayments("shop").UseStripeMcp(options => options.MaxPages = 7).UseStripeMcp();
        await using ServiceProvider provider = services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptionsMonitor<StripeMcpOptions>>();
        var shop = provider.GetRequiredKeyedService<IPaymentGateway>("shop");
        Assert.Equal(
            ("http://127.0.0.1:1/shop", 7, TimeSpan.FromSeconds(7)),
            (options.Get("shop").Url.AbsoluteUri, options.Get("shop").MaxPages, options.Get("shop").CallTimeout));
        Assert.Equal(
            ("http://127.0.0.1:1/default", 100), (options.CurrentValue.Url.AbsoluteUri, options.CurrentValue.MaxPages));
        Assert.Equal(("stripe-mcp", GatewayMode.NotConfigured), (shop.Name, shop.Mode));
        Assert.NotSame(provider.GetRequiredService<IPaymentGateway>(), shop);
    }

    private static ServiceProvider Build(Dictionary<string, string?> settings, Action<StripeMcpOptions> configure)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddLogging();
        services.AddCoachPayments().UseStripeMcp(configure);
        return services.BuildServiceProvider();
    }
}
