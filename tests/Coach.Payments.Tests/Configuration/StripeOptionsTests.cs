using System.Net;
using System.Text;
using Coach.Payments.Gateways;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Tests.Configuration;

public sealed class StripeOptionsTests
{
    [Fact]
    public async Task Account_OfAConnectedOne_GoesWithEachRequest()
    {
        using var host = new PaymentHost(configure: options => options.Stripe.Account = "acct_connected");

        await host.CreateAsync();

        Assert.All(host.Fake.Requests, request =>
            Assert.Equal("acct_connected", request.Headers.GetValueOrDefault("Stripe-Account")));
    }

    [Theory]
    [InlineData(4096, null)]
    [InlineData(4097, GatewayFailureKind.BadAnswer)]
    public async Task MaxResponseBytes_Of4096_TakesAnAnswerOfThatLengthAndNoLonger(int length, GatewayFailureKind? kind)
    {
        byte[] body = Encoding.ASCII.GetBytes("""{"object":"balance"}""".PadRight(length));
        using var answers = new ScriptedHttpHandler().Answer(HttpStatusCode.OK, body);
        using var host = new PaymentHost(
            configure: options => options.Stripe.MaxResponseBytes = 4096,
            build: payments => payments.HttpClient.ConfigurePrimaryHttpMessageHandler(() => answers));

        GatewayResult<bool> probe = await host.Services.GetRequiredService<IPaymentGateway>()
            .ProbeAsync(TestContext.Current.CancellationToken);

        Assert.Equal(kind, probe.Failure?.Kind);
    }
}
