using System.Net;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Security;

/// <summary>A page on the internet makes the browser reach 127.0.0.1 under a name of its own (DNS rebinding).</summary>
public sealed class HostNameTests
{
    private static readonly string[] Pages =
        ["/", "/api/session", "/api/nothing", "/nothing", "/metrics", "/healthz", "/livez", "/readyz", "/openapi/v1.json"];

    [Theory]
    [InlineData(null, "evil.example", 421)]
    [InlineData(null, "evil.example:8080", 421)]
    [InlineData(null, "localhost.evil.example", 421)]
    [InlineData(null, "127.0.0.1.evil.example", 421)]
    [InlineData(null, "192.0.2.7", 421)]
    [InlineData(null, "LOCALHOST", 200)]
    [InlineData(null, "localhost:1", 200)]
    [InlineData(null, "127.0.0.1", 200)]
    [InlineData(null, "[::1]:8080", 200)]
    [InlineData("*", "evil.example", 421)]
    [InlineData("*", "localhost", 200)]
    [InlineData("chat.example.com", "Chat.Example.com:443", 200)]
    [InlineData("chat.example.com", "evil.example", 421)]
    [InlineData("chat.example.com", "evil-chat.example.com", 421)]
    [InlineData("chat.example.com", "127.0.0.1", 200)]
    [InlineData("*;chat.example.com", "chat.example.com", 200)]
    [InlineData("*;chat.example.com", "evil.example", 421)]
    [InlineData("*.example.com; other.example", "a.example.com", 200)]
    [InlineData("*.example.com; other.example", "other.example", 200)]
    [InlineData("*.example.com; other.example", "example.org", 421)]
    public async Task Name_OfLoopbackOrTheList_IsAnsweredAndNoOther(string? listed, string host, int expected)
    {
        await using ChatHost chat = await StartAsync(listed);
        using HttpClient visitor = chat.NewVisitor();
        foreach (string page in Pages)
        {
            using HttpResponseMessage response = await SendAsync(visitor, page, host);
            if (expected == 421)
            {
                await response.AssertProblemAsync(421, "ERR_REQUEST_INVALID");
                Assert.Contains("AllowedHosts", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
                Assert.False(response.Headers.Contains("Set-Cookie"));
            }
            else
            {
                Assert.NotEqual(421, (int)response.StatusCode);
            }
        }
    }

    [Fact]
    public async Task Origin_OfTheSameForeignName_DoesNotHelp()
    {
        await using ChatHost chat = await StartAsync(null);
        using HttpClient visitor = chat.NewVisitor();
        using HttpResponseMessage response = await SendAsync(
            visitor, "/api/session", "evil.example", ("Origin", "http://evil.example"));
        await response.AssertProblemAsync(421, "ERR_REQUEST_INVALID");
    }

    [Theory]
    [InlineData(null, "evil.example", 421)]
    [InlineData("chat.example.com", "chat.example.com", 200)]
    [InlineData("chat.example.com", "evil.example", 421)]
    public async Task ForwardedName_OfAKnownProxy_IsCheckedInPlaceOfItsOwn(string? listed, string host, int expected)
    {
        await using ChatHost chat = await StartAsync(listed, "127.0.0.0/8, ::1");
        using HttpClient visitor = chat.NewVisitor();
        using HttpResponseMessage response = await SendAsync(
            visitor, "/api/session", "upstream", ("X-Forwarded-Host", host), ("X-Forwarded-For", "192.0.2.7"));
        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Fact]
    public async Task ForwardedName_OfAnybodyElse_IsIgnored()
    {
        await using ChatHost chat = await StartAsync("chat.example.com");
        using HttpClient visitor = chat.NewVisitor();
        using HttpResponseMessage response = await SendAsync(
            visitor, "/api/session", "evil.example", ("X-Forwarded-Host", "chat.example.com"));
        Assert.Equal(HttpStatusCode.MisdirectedRequest, response.StatusCode);
    }

    [Fact]
    public async Task Answers_DoNotNameTheServerAndStayWithTheirOrigin()
    {
        await using ChatHost chat = await StartAsync(null);
        using HttpClient visitor = chat.NewVisitor();
        foreach (string page in Pages)
        {
            using HttpResponseMessage response = await visitor.GetAsync(page);
            Assert.False(response.Headers.Contains("Server"), page);
            Assert.Equal("same-origin", response.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
            Assert.NotNull(response.Headers.CacheControl);
        }
    }

    private static Task<ChatHost> StartAsync(string? allowedHosts, string? proxies = null) => ChatHost.StartAsync(
        settings =>
        {
            settings["AllowedHosts"] = allowedHosts;
            settings["Coach:Proxy:KnownProxies"] = proxies;
        },
        waitForKnowledge: false);

    private static Task<HttpResponseMessage> SendAsync(
        HttpClient visitor, string path, string host, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return visitor.SendAsync(request);
    }
}
