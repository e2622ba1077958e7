using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Security;

/// <summary>Figures and checks are for those who run the host.</summary>
public sealed class OperationsTests
{
    [Theory]
    [InlineData("X-Forwarded-For", "192.0.2.7")]
    [InlineData("X-Forwarded-For", "127.0.0.1")]
    [InlineData("x-forwarded-proto", "https")]
    [InlineData("X-Forwarded-Host", "localhost")]
    [InlineData("Forwarded", "for=192.0.2.7")]
    [InlineData("X-Real-IP", "192.0.2.7")]
    [InlineData("Via", "1.1 proxy")]
    public async Task Detail_ThroughAProxy_IsNotThere(string name, string value)
    {
        await using ChatHost chat = await ChatHost.StartAsync(waitForKnowledge: false);
        using HttpClient visitor = chat.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(visitor, "/metrics", "text/plain")).StatusCode);
        foreach (string page in new[] { "/healthz", "/livez", "/readyz" })
        {
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(visitor, page, "application/json", (name, value)));
            Assert.NotEqual(HttpStatusCode.NotFound, await StatusAsync(visitor, page, "*/*", (name, value)));
            Assert.NotEqual(HttpStatusCode.NotFound, await StatusAsync(visitor, page, "application/json"));
        }

        using HttpResponseMessage metrics = await SendAsync(visitor, "/metrics", "text/plain", (name, value));
        Assert.Equal(HttpStatusCode.NotFound, metrics.StatusCode);
        Assert.Empty(await metrics.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Detail_OfAHostThatKnowsItsProxy_IsNotThereForVisitors()
    {
        await using ChatHost chat = await ChatHost.StartAsync(
            settings => settings["Coach:Proxy:KnownProxies"] = "127.0.0.1", waitForKnowledge: false);
        using HttpClient visitor = chat.NewVisitor();
        foreach (string address in new[] { "192.0.2.7", "127.0.0.1" })
        {
            Assert.Equal(
                HttpStatusCode.NotFound,
                await StatusAsync(visitor, "/metrics", "text/plain", ("X-Forwarded-For", address)));
        }
    }

    [Fact]
    public async Task Detail_WithAPortOfItsOwn_IsThereAndNowhereElse()
    {
        int port = FreePort();
        await using ChatHost chat = await ChatHost.StartAsync(
            settings => settings["Coach:Observability:Port"] = port.ToString(CultureInfo.InvariantCulture),
            waitForKnowledge: false,
            alsoListenOn: port);
        using HttpClient visitor = chat.NewVisitor();
        using var scraper = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(visitor, "/metrics", "text/plain"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(visitor, "/livez", "application/json"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(visitor, "/livez", "*/*"));
        Assert.Equal(
            HttpStatusCode.OK, await StatusAsync(scraper, "/metrics", "text/plain", ("X-Forwarded-For", "192.0.2.7")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(scraper, "/livez", "application/json"));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<HttpStatusCode> StatusAsync(
        HttpClient client, string path, string accept, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await SendAsync(client, path, accept, headers);
        return response.StatusCode;
    }

    private static Task<HttpResponseMessage> SendAsync(
        HttpClient client, string path, string accept, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept", accept);
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return client.SendAsync(request);
    }
}
