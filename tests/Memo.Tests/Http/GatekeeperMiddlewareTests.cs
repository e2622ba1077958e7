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

    [Theory]
    [InlineData("http_ports", "8080")]
    [InlineData("https_ports", "8443")]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://0.0.0.0:0")]
    [InlineData("Kestrel:Endpoints:Http:Url", null)]
    [InlineData("MEMO_BEHIND_PROXY", "true")]
    public async Task Start_WithoutLogin_NamedOpenInAnyOtherWay_IsRefusedToo(string key, string? value)
    {
        var settings = new Dictionary<string, string?> { ["urls"] = null, [key] = value };
        if (key == "MEMO_BEHIND_PROXY")
        {
            settings["HOST"] = "0.0.0.0";
        }

        await Assert.ThrowsAsync<InvalidOperationException>(() => MemoApp.StartAsync(_folder.Path, settings));
    }

    [Theory]
    [InlineData("AUTH_ENABLED", "maybe", "AUTH_ENABLED must be true or false.")]
    [InlineData("AUTH_ENABLED", "1", "AUTH_ENABLED must be true or false.")]
    [InlineData("MEMO_BEHIND_PROXY", "yes", "MEMO_BEHIND_PROXY must be true or false.")]
    public async Task Start_AFlagThatIsNoBoolean_IsRefused(string key, string value, string message)
    {
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => MemoApp.StartAsync(_folder.Path, new() { [key] = value }));
        Assert.Equal(message, exception.Message);
    }

    [Theory]
    [InlineData("HOST", "memo.example", "HOST must be an IP address of this machine, localhost, or * for every address.")]
    [InlineData("PORT", "70000", "PORT must be between 0 and 65535.")]
    [InlineData(
        "LOG_LEVEL", "loud",
        "LOG_LEVEL must be one of Trace, Debug, Information, Warning, Error, Critical, None.")]
    [InlineData(
        "DATABASE_URL", "hunter2",
        "ConnectionStrings__Coach (DATABASE_URL) cannot be used; it is like Host=db;Username=memo;Password=...;"
        + "Database=memo, or postgres://memo:...@db/memo?sslmode=require.")]
    [InlineData(
        "DATABASE_URL", "postgres://memo:hunter2@db/memo?sslmode=perhaps",
        "ConnectionStrings__Coach (DATABASE_URL) cannot be used; it is like Host=db;Username=memo;Password=...;"
        + "Database=memo, or postgres://memo:...@db/memo?sslmode=require.")]
    public async Task Start_AWrongVariable_IsRefusedWithoutItsValue(string name, string value, string message)
    {
        var settings = new Dictionary<string, string?> { ["urls"] = name == "DATABASE_URL" ? "http://127.0.0.1:0" : null };
        settings[name] = value;
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => MemoApp.StartAsync(_folder.Path, settings));
        Assert.Equal(message, exception.Message);
    }

    [Theory]
    [InlineData("postgres://memo:p%40ss@db/memo", "Host=db;Port=5432;Database=memo;Username=memo;Password=p@ss")]
    [InlineData(
        "postgresql://memo@db:6432/memo?sslmode=verify-full&application_name=memo",
        "Host=db;Port=6432;Database=memo;Username=memo;SSL Mode=VerifyFull;Application Name=memo")]
    public void ConnectionString_OfAUrl_KeepsWhatStandsBehindTheQuestionMark(string url, string text) =>
        Assert.Equal(text, Memo.Data.PostgresDatabase.ConnectionStringOf(url));

    // Base images of ASP.NET Core set the ports; HOST and PORT are somebody's choice.
    [Fact]
    public async Task Start_WithHostAndThePortsOfABaseImage_ListensWhereHostSays()
    {
        await using MemoApp app = await MemoApp.StartAsync(
            _folder.Path, new() { ["urls"] = null, ["http_ports"] = "8080", ["HOST"] = "127.0.0.1", ["PORT"] = "0" });
        Assert.Equal("127.0.0.1", app.Address.Host);
        Assert.NotEqual(8080, app.Address.Port);
    }

    [Fact]
    public async Task Start_WithAProxyThatIsNoAddress_IsRefused()
    {
        Exception exception = await Assert.ThrowsAnyAsync<Exception>(() => MemoApp.StartWithLoginAsync(
            _folder.Path, new() { ["Coach:Proxy:KnownProxies"] = "nginx" }));
        Assert.Contains("Coach:Proxy:KnownProxies holds nginx", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MEMO_BEHIND_PROXY", "true", true)]
    [InlineData("MEMO_BEHIND_PROXY", "false", false)]
    [InlineData("Coach:Proxy:KnownProxies", "127.0.0.1,10.0.0.0/8", true)]
    [InlineData("Coach:Proxy:KnownProxies:0", "127.0.0.1", true)]
    [InlineData("Coach:Proxy:KnownProxies", "10.0.0.0/8", false)]
    public async Task Proxy_ThatIsKnown_IsBelieved_AndNobodyElse(string key, string value, bool isBelieved)
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(
            _folder.Path, new() { [key] = value, ["AllowedHosts"] = "memo.example" });
        using HttpRequestMessage request = Forwarded("203.0.113.9", "https");
        using HttpResponseMessage response = await app.Client.SendAsync(request);
        Assert.Equal(isBelieved, response.Headers.Contains("Strict-Transport-Security"));
    }

    [Theory]
    [InlineData("MEMO_BEHIND_PROXY", "true", "203.0.113.9", 403)]
    [InlineData("MEMO_BEHIND_PROXY", "true", "127.0.0.1", 200)]
    [InlineData("MEMO_BEHIND_PROXY", "false", "203.0.113.9", 403)]
    [InlineData("MEMO_BEHIND_PROXY", "false", "127.0.0.1", 403)]
    [InlineData("Coach:Proxy:KnownProxies", "127.0.0.1", "203.0.113.9", 403)]
    [InlineData("Coach:Proxy:KnownProxies", "127.0.0.1", "203.0.113.9, 127.0.0.1", 403)]
    public async Task Proxy_WithoutLogin_BringsNobodyOfAnotherMachine(string key, string value, string visitor, int status)
    {
        await using MemoApp app = await MemoApp.StartAsync(
            _folder.Path, new() { [key] = value, ["AllowedHosts"] = "memo.example" });
        using HttpRequestMessage request = Forwarded(visitor, "http");
        using HttpResponseMessage response = await app.Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("auth/session")).StatusCode);
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

    private static HttpRequestMessage Forwarded(string visitor, string scheme) => new(HttpMethod.Get, "auth/session")
    {
        Headers =
        {
            { "X-Forwarded-For", visitor }, { "X-Forwarded-Proto", scheme }, { "X-Forwarded-Host", "memo.example" },
        },
    };

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
