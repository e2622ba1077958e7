using System.Net;
using Coach.Payments.Gateways;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Mcp.Tests.Scenarios;

/// <summary>What a server that is not Stripe's, or a host's own handlers, must not be able to do.</summary>
public sealed class HostileServerTests
{
    [Theory]
    [InlineData("https://buy.stripe.com.evil.example/test_1")]
    [InlineData("https://evil.example/buy.stripe.com")]
    [InlineData("https://buy.stripe.com:8443/test_1")]
    [InlineData("https://buy.stripe.com@evil.example/test_1")]
    [InlineData("http://buy.stripe.com/test_1")]
    public async Task LinkOnAnotherHost_IsNoSuccessAndItsAddressIsInNoMessage(string url)
    {
        await using McpHost host = await ServerOfAsync(url);

        PaymentException exception = await Assert.ThrowsAsync<PaymentException>(() => host.CreateAsync());

        Assert.DoesNotContain("evil", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("8443", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LinkHosts_WithACustomDomain_TakesItsLinks()
    {
        await using McpHost host = await ServerOfAsync(
            "https://pay.bar.example/test_1", options => options.LinkHosts = ["buy.stripe.com", "pay.bar.example"]);

        Assert.Equal("https://pay.bar.example/test_1", (await host.CreateAsync()).Url.AbsoluteUri);
    }

    [Fact]
    public async Task HostsOwnRetries_NeverReachTheServer()
    {
        using var server = new CountingServer();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            [new("STRIPE_API_KEY", McpHost.TestKey), new("Coach:Payments:Mcp:Url", server.Url.AbsoluteUri)]).Build());
        services.AddSingleton(TimeProvider.System);
        services.ConfigureHttpClientDefaults(client => client
            .AddHttpMessageHandler(() => new StandardResilienceHandler())
            .AddHttpMessageHandler(() => new HomeMadeRetry()));
        services.AddCoachPayments().UseStripeMcp();
        await using ServiceProvider provider = services.BuildServiceProvider();

        await provider.GetRequiredService<IPaymentGateway>().CreateLinkAsync(
            new GatewayLinkRequest
            {
                IdempotencyKey = "k",
                PriceId = "price_1",
                IsSingleUse = true,
                Metadata = new Dictionary<string, string>(),
            }, TestContext.Current.CancellationToken);

        Assert.Equal(1, server.Requests);
    }

    private static Task<McpHost> ServerOfAsync(string url, Action<StripeMcpOptions>? configure = null)
    {
        var clock = new VirtualClock();
        var mcp = new McpFake(McpGeneration.Named, PaymentFake(clock));
        mcp.Tools.LinkUrl = url;
        return Task.FromResult(new McpHost(mcp, clock, configure: configure));
    }

    private static StripeFake PaymentFake(VirtualClock clock) => new(options => options.Time = clock);

    /// <summary>Named as the field's own: repeats three times.</summary>
    private sealed class StandardResilienceHandler : HomeMadeRetry
    {
    }


    private class HomeMadeRetry : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage? response = null;
            for (int attempt = 0; attempt < 4 && response is not { IsSuccessStatusCode: true }; attempt++)
            {
                try
                {
                    response = await base.SendAsync(request, cancellationToken);
                }
                catch (HttpRequestException) when (response is not null)
                {
                    return response;
                }
            }

            return response!;
        }
    }

    private sealed class CountingServer : IDisposable
    {
        private readonly HttpListener _listener = new();
        private int _requests;

        public CountingServer()
        {
            using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                Url = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
            }

            _listener.Prefixes.Add(Url.AbsoluteUri);
            _listener.Start();
            _ = ServeAsync();
        }

        public Uri Url { get; }

        public int Requests => Volatile.Read(ref _requests);

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    Interlocked.Increment(ref _requests);
                    context.Response.StatusCode = 503;
                    context.Response.Close();
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
            }
        }
    }
}
