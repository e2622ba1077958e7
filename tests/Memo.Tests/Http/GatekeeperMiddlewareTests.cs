using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Memo.Tests.Support;

namespace Memo.Tests.Http;

public sealed class GatekeeperMiddlewareTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("evil.example", 421)]
    [InlineData("localhost.evil.example", 421)]
    [InlineData("169.254.169.254", 421)]
    [InlineData("localhost", 200)]
    [InlineData("127.0.0.1:1", 200)]
    [InlineData("[::1]", 200)]
    [InlineData("memo.example", 200)]
    public async Task Host_ThatIsNotOurs_IsMisdirected(string host, int status)
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path, new() { ["AllowedHosts"] = "memo.example;other.example" });
        using var request = new HttpRequestMessage(HttpMethod.Get, "auth/session") { Headers = { Host = host } };
        using HttpResponseMessage response = await app.Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("http://127.0.0.1:1", 403)]
    [InlineData("https://intranet.example", 200)]
    [InlineData(null, 200)]
    public async Task Origin_OfAnotherPage_IsRefusedUnlessListed(string? origin, int status)
    {
        Directory.CreateDirectory(_folder.File("config"));
        File.WriteAllText(_folder.File("config/security.yaml"), "allowed_origins: [https://intranet.example]");
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Options })
        {
            using var request = new HttpRequestMessage(method, "auth/session");
            if (origin is not null)
            {
                request.Headers.Add("Origin", origin);
            }

            using HttpResponseMessage response = await app.Client.SendAsync(request);
            int expected = method == HttpMethod.Get || status == 403 ? status : origin is null ? 405 : 204;
            Assert.Equal(expected, (int)response.StatusCode);
            Assert.Equal(
                status == 200 && origin is not null, response.Headers.Contains("Access-Control-Allow-Origin"));
        }
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://*:0")]
    [InlineData("http://+:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://192.0.2.1:8080")]
    [InlineData("http://memo.example:8080")]
    [InlineData("http://127.0.0.1:0;http://0.0.0.0:0")]
    public async Task Start_WithoutLoginOnAnOpenAddress_IsRefused(string urls)
    {
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => MemoApp.StartAsync(_folder.Path, new() { ["urls"] = urls }));
        Assert.StartsWith("Without login this host listens on this machine only, not on ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_AuthEnabledThatIsNoBoolean_IsRefused()
    {
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => MemoApp.StartAsync(_folder.Path, new() { ["AUTH_ENABLED"] = "maybe" }));
        Assert.Equal("AUTH_ENABLED must be true or false.", exception.Message);
    }

    [Fact]
    public async Task Calls_MoreThanSixtyInAMinute_AreRefused_ButNotPollsAndHealth()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("auth/session")).StatusCode);
        }

        using HttpResponseMessage refused = await app.Client.GetAsync("auth/session");
        await refused.ProblemAsync(429, "ERR_RATE_LIMITED");
        Assert.Equal("0", refused.Headers.GetValues("X-RateLimit-Remaining").Single());
        Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("health")).StatusCode);
        using HttpResponseMessage poll = await app.Client.GetAsync("evaluations/00000000000000000000000000000000");
        Assert.Equal(HttpStatusCode.NotFound, poll.StatusCode);
    }

    [Fact]
    public async Task Pages_AreServedUnderAStrictPolicy()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        foreach (string path in new[] { "/", "/memo.js", "/memo.css", "/api.js" })
        {
            using HttpResponseMessage response = await app.Client.GetAsync(new Uri(app.Address, path));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            string policy = response.Headers.GetValues("Content-Security-Policy").Single();
            Assert.StartsWith("default-src 'self';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            string body = await response.Content.ReadAsStringAsync();
            Assert.DoesNotContain("style=", body, StringComparison.Ordinal);
            Assert.DoesNotContain("innerHTML", body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Health_IsAWordForAll_AndPartsForAdmins()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        Assert.Equal("ok", await app.Client.GetStringAsync("health"));
        Assert.Equal("ok", await app.Client.GetStringAsync(new Uri(app.Address, "/healthz")));
        using HttpClient admin = await app.LoginAsync();
        JsonElement detail = await admin.GetFromJsonAsync<JsonElement>("health/detailed");
        Assert.Equal("healthy", detail.GetProperty("checks").GetProperty("database").GetProperty("status").GetString());
        Assert.Equal("healthy", detail.GetProperty("checks").GetProperty("configuration").GetProperty("status").GetString());
    }

    [Fact]
    public async Task OpenApi_NamesEveryCallOfTheContract()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        JsonElement document = await app.Client.GetFromJsonAsync<JsonElement>(new Uri(app.Address, "/openapi/v1.json"));
        string[] paths = [.. document.GetProperty("paths").EnumerateObject().Select(path => path.Name)];
        string[] contract =
        [
            "auth/login", "auth/logout", "auth/session", "auth/token", "evaluations", "evaluations/{id}",
            "evaluations/{id}/events", "progress", "admin/config/{name}", "health", "health/detailed",
        ];
        Assert.Empty(contract.Select(path => "/api/v1/" + path).Except(paths));
    }
}
