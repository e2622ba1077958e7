using Coach.Payments.Gateways;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>The contract of all gateways, here over REST and simulated; Coach.Payments.Mcp.Tests runs the same for
/// MCP.</summary>
public sealed class GatewayContractTests
{
    public static TheoryData<string> Checks => [.. PaymentGatewayContract.Names];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task RestGateway_KeepsTheContract(string check)
    {
        using var host = new PaymentHost();

        await PaymentGatewayContract.RunAsync(
            check, host.Services.GetRequiredService<IPaymentGateway>(), Open(host.Fake), Pay(host.Fake), Token);
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task RestGateway_OverASocket_KeepsTheContract(string check)
    {
        await using StripeFake fake = await StripeFake.StartAsync(cancellationToken: Token);
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?>
            { ["STRIPE_API_KEY"] = PaymentHost.TestKey, ["Coach:Payments:Stripe:BaseUrl"] = fake.Url.AbsoluteUri }).Build());
        services.AddCoachPayments();
        await using ServiceProvider provider = services.BuildServiceProvider();

        await PaymentGatewayContract.RunAsync(
            check, provider.GetRequiredService<IPaymentGateway>(), Open(fake), Pay(fake), Token);
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task SimulatedGateway_KeepsTheContract(string check)
    {
        using var host = new PaymentHost(build: builder => builder.UseSimulated(), configure: options => options.Simulated.PaidAfter = null);
        using var paid = new PaymentHost(build: builder => builder.UseSimulated(), configure: options => options.Simulated.PaidAfter = TimeSpan.Zero);
        bool isPaid = check == "Sessions_Paid_ShowAmountAndCurrency";
        IPaymentGateway gateway = (isPaid ? paid : host).Services.GetRequiredService<IPaymentGateway>();

        await PaymentGatewayContract.RunAsync(
            check, gateway, open: null, isPaid ? _ => Task.CompletedTask : null, Token);
    }

    private static Func<string, Task<string>> Open(StripeFake fake) =>
        link => Task.FromResult(fake.OpenSession(link)!.Id);

    private static Func<string, Task> Pay(StripeFake fake) => link =>
    {
        Assert.NotNull(fake.Pay(link));
        return Task.CompletedTask;
    };
}
