using System.Net;
using System.Text;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;

namespace Coach.Integration.Tests.Security;

/// <summary>Pages of other origins: those the host lists, and everyone else.</summary>
public sealed class CrossOriginTests : IAsyncLifetime
{
    private const string Listed = "http://app.localhost:3000";

    private ChatHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await ChatHost.StartAsync(
        settings => settings["Coach:Cors:AllowedOrigins"] = $"{Listed}, https://other.localhost/",
        waitForKnowledge: false);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Call_OfAListedOriginOfTheSameSite_IsAnsweredWithCredentials()
    {
        using HttpResponseMessage response = await SendAsync(
            "GET", "/api/session", ("Origin", Listed), ("Sec-Fetch-Site", "same-site"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal([Listed], response.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Equal(["true"], response.Headers.GetValues("Access-Control-Allow-Credentials"));
        Assert.Contains("Retry-After", string.Join(',', response.Headers.GetValues("Access-Control-Expose-Headers")), StringComparison.Ordinal);
        Assert.Contains("Origin", response.Headers.Vary);
    }

    [Fact]
    public async Task Failure_ForAListedOrigin_CanBeReadByItsPage()
    {
        using HttpResponseMessage response = await SendAsync("POST", "/api/chat", ("Origin", Listed));
        await response.AssertProblemAsync(415, "ERR_MEDIA_TYPE");
        Assert.Equal([Listed], response.Headers.GetValues("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("POST", "/api/chat")]
    [InlineData("DELETE", "/api/session/keys/gemini")]
    [InlineData("POST", "/api/payments/links")]
    public async Task Preflight_OfAListedOrigin_SaysWhatIsTaken(string method, string path)
    {
        using HttpResponseMessage response = await SendAsync(
            "OPTIONS", path, ("Origin", Listed), ("Sec-Fetch-Site", "same-site"),
            ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "content-type,idempotency-key"));
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal([Listed], response.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Contains(method, string.Join(',', response.Headers.GetValues("Access-Control-Allow-Methods")), StringComparison.Ordinal);
        Assert.Contains("Idempotency-Key", string.Join(',', response.Headers.GetValues("Access-Control-Allow-Headers")), StringComparison.OrdinalIgnoreCase);
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("http://app.localhost:3001")]
    [InlineData("https://app.localhost:3000")]
    [InlineData("http://app.localhost:3000.evil.example")]
    [InlineData("null")]
    [InlineData("*")]
    public async Task Call_OfAnotherOrigin_IsRefusedAndUnreadable(string origin)
    {
        foreach (string method in new[] { "GET", "POST" })
        {
            using HttpResponseMessage response = await SendAsync(
                method, method == "GET" ? "/api/session" : "/api/chat", ("Origin", origin));
            await response.AssertProblemAsync(403, "ERR_REQUEST_INVALID");
            Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
        }

        using HttpResponseMessage preflight = await SendAsync(
            "OPTIONS", "/api/chat", ("Origin", origin), ("Access-Control-Request-Method", "POST"));
        Assert.False(preflight.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Call_OfAListedOriginThatTheBrowserCallsAnotherSite_IsRefused()
    {
        using HttpResponseMessage response = await SendAsync(
            "GET", "/api/session", ("Origin", Listed), ("Sec-Fetch-Site", "cross-site"));
        await response.AssertProblemAsync(403, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Call_WithTwoOrigins_IsRefused()
    {
        // As bytes: a client would join them.
        using HttpResponseMessage response = await SendAsync(
            "GET", "/api/session", ("Origin", Listed), ("Origin", "http://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task MetricsAndHealth_AreOfNoConcernToAnotherOrigin()
    {
        using HttpResponseMessage response = await SendAsync("GET", "/metrics", ("Origin", Listed));
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, params (string Name, string Value)[] headers)
    {
        using HttpClient client = _host.NewVisitor();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST")
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes("{}"));
        }

        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await client.SendAsync(request);
    }
}
