using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;

namespace Coach.Integration.Tests.Security;

/// <summary>The cookie, whoever planted, knew or repeats it.</summary>
public sealed class SessionCookieTests : IAsyncLifetime
{
    private const string Key = "test-key-of-gemini";

    private ProviderFake _providers = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _providers = await ProviderFake.StartAsync();
        _providers.SetKey("gemini", Key);
        _host = await ChatHost.StartAsync(
            settings =>
            {
                settings["Coach:Proxy:KnownProxies"] = "127.0.0.1";
                settings["Coach:RateLimits:KeyChecksPerMinute"] = "10";
                settings["Coach:Llm:Gemini:BaseUrl"] = _providers.BaseUrl("gemini").ToString();
            },
            waitForKnowledge: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _providers.DisposeAsync();
    }

    [Fact]
    public async Task Key_Entered_RenewsTheTicketOfTheSameSessionAndEndsTheOldOne()
    {
        (string before, string session) = await ShowAsync(null);
        (string? after, HttpResponseMessage entered) = await EnterAsync(before);
        Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        Assert.NotNull(after);
        Assert.NotEqual(before, after);

        JsonElement own = await SessionAsync(after);
        Assert.Equal(session, own.GetProperty("sessionId").GetString());
        Assert.Single(own.GetProperty("keys").EnumerateArray());

        JsonElement planted = await SessionAsync(before);
        Assert.NotEqual(session, planted.GetProperty("sessionId").GetString());
        Assert.Empty(planted.GetProperty("keys").EnumerateArray());
    }

    [Fact]
    public async Task RequestThatCrossesTheRenewal_DoesNotTakeTheNewCookieAway()
    {
        (string before, _) = await ShowAsync(null);
        await EnterAsync(before);
        using HttpResponseMessage late = await SendAsync(HttpMethod.Get, "/api/session", before);
        Assert.Equal(HttpStatusCode.OK, late.StatusCode);
        Assert.False(late.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("POST", "/api/session/keys", """{"provider":"gemini","apiKey":"test-key-of-gemini"}""")]
    [InlineData("DELETE", "/api/session/keys/gemini", null)]
    [InlineData("DELETE", "/api/session", null)]
    [InlineData("POST", "/api/chat", """{"message":"hi"}""")]
    [InlineData("DELETE", "/api/chat", null)]
    [InlineData("POST", "/api/retrieve", """{"query":"hi"}""")]
    [InlineData("POST", "/api/payments/links", """{"amount":100,"currency":"usd","description":"x"}""")]
    public async Task ChangeWithTheOldCookie_JustAfterTheRenewal_Is401AndLosesNothing(
        string method, string path, string? body)
    {
        (string before, string session) = await ShowAsync(null);
        (string? after, _) = await EnterAsync(before);
        HttpContent? content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage late = await SendAsync(
            new HttpMethod(method), path, before, content, [("Idempotency-Key", "late-1")]);
        await late.AssertProblemAsync(401, "ERR_SESSION_REQUIRED");
        Assert.False(late.Headers.Contains("Set-Cookie"));

        // With the new cookie it is done, and the session has all that it had.
        JsonElement own = await SessionAsync(after);
        Assert.Equal(session, own.GetProperty("sessionId").GetString());
        Assert.Single(own.GetProperty("keys").EnumerateArray());
        (_, HttpResponseMessage again) = await EnterAsync(after);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task TwoDifferentSessionCookies_AreRefused_AndTheSameOneTwiceIsNot()
    {
        (string one, string session) = await ShowAsync(null);
        (string other, _) = await ShowAsync(null);
        using HttpResponseMessage refused = await SendAsync(HttpMethod.Get, "/api/session", $"{other}; {one}");
        await refused.AssertProblemAsync(400, "ERR_REQUEST_INVALID");
        Assert.False(refused.Headers.Contains("Set-Cookie"));
        Assert.Equal(session, (await SessionAsync($"{one}; theme=dark; {one}")).GetProperty("sessionId").GetString());
    }

    [Fact]
    public async Task SessionEnded_EndsWithAllItsTickets()
    {
        (string before, string session) = await ShowAsync(null);
        (string? after, _) = await EnterAsync(before);
        using HttpResponseMessage end = await SendAsync(HttpMethod.Delete, "/api/session", after);
        Assert.Equal(HttpStatusCode.NoContent, end.StatusCode);
        Assert.NotEqual(session, (await SessionAsync(after)).GetProperty("sessionId").GetString());
        Assert.NotEqual(session, (await SessionAsync(before)).GetProperty("sessionId").GetString());
    }

    [Fact]
    public async Task Key_Refused_LeavesTheTicket()
    {
        (string before, string session) = await ShowAsync(null);
        (string? after, HttpResponseMessage refused) = await EnterAsync(before, "unknown-key");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Null(after);
        Assert.Equal(session, (await SessionAsync(before)).GetProperty("sessionId").GetString());
    }

    [Fact]
    public async Task Https_HasACookieThatOnlyThisHostCanSet_AndReadsTheOldNameToo()
    {
        (string plain, string session) = await ShowAsync(null);
        Assert.StartsWith("coach_session=", plain, StringComparison.Ordinal);

        // A browser that comes from version 0.1.0: the session stays and moves to the new name.
        using HttpResponseMessage moved = await SendAsync(HttpMethod.Get, "/api/session", plain, Https);
        string cookie = Assert.Single(moved.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-coach_session=", cookie, StringComparison.Ordinal);
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; path=/;", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("domain=", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(session, (await moved.JsonAsync()).GetProperty("sessionId").GetString());

        // Where both are there, the one that nobody else can have set counts.
        (string other, _) = await ShowAsync(null);
        using HttpResponseMessage both = await SendAsync(
            HttpMethod.Get, "/api/session", $"{other}; {cookie.Split(';')[0]}", Https);
        Assert.Equal(session, (await both.JsonAsync()).GetProperty("sessionId").GetString());
        Assert.False(both.Headers.Contains("Set-Cookie"));

        using HttpResponseMessage end = await SendAsync(
            HttpMethod.Delete, "/api/session", $"{other}; {cookie.Split(';')[0]}", Https);
        Assert.Equal(
            ["__Host-coach_session", "coach_session"],
            end.Headers.GetValues("Set-Cookie").Select(each => each.Split('=')[0]).Order());
    }

    [Fact]
    public async Task KeyChecks_OverTheMinutesNumber_Are429ForTheAddressAndNotForOthers()
    {
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(422, (int)(await EnterAsync(null, $"stolen-key-number-{i}")).Answer.StatusCode);
        }

        (_, HttpResponseMessage refused) = await EnterAsync(null, "stolen-key-number-11");
        await refused.AssertProblemAsync(429, "ERR_RATE_LIMITED");
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);

        // A visitor of another address, behind the same proxy.
        (_, HttpResponseMessage other) = await EnterAsync(null, Key, ("X-Forwarded-For", "192.0.2.9"));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/json")]
    [InlineData("application/jsonp")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json, text/plain")]
    [InlineData(null)]
    public async Task Body_ThatIsSaidToBeNoJson_Is415(string? type)
    {
        foreach (string path in new[] { "/api/chat", "/api/session/keys" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_host.Address, path));
            request.Content = new ByteArrayContent("""{"message":"hi"}"""u8.ToArray());
            if (type is not null)
            {
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            }

            using var client = new HttpClient();
            using HttpResponseMessage response = await client.SendAsync(request);
            await response.AssertProblemAsync(415, "ERR_MEDIA_TYPE");
        }
    }

    [Theory]
    [InlineData("GET", "/api/nothing", 404, "ERR_NOT_FOUND")]
    [InlineData("PUT", "/api/chat", 405, "ERR_METHOD_NOT_ALLOWED")]
    [InlineData("GET", "/api/session/keys", 405, "ERR_METHOD_NOT_ALLOWED")]
    public async Task Address_ThatIsNotThereOrTakesNoSuchMethod_HasItsOwnCode(
        string method, string path, int status, string code)
    {
        using HttpResponseMessage response = await SendAsync(new HttpMethod(method), path, null);
        await response.AssertProblemAsync(status, code);
    }

    [Theory]
    [InlineData("cross-site")]
    [InlineData("same-site")]
    [InlineData("Cross-Site")]
    [InlineData("cross-site, same-origin")]
    public async Task FetchMetadata_OfAnotherSite_IsRefused(string site)
    {
        using HttpResponseMessage response = await SendAsync(
            HttpMethod.Get, "/api/session", null, ("Sec-Fetch-Site", site));
        await response.AssertProblemAsync(403, "ERR_REQUEST_INVALID");
    }

    private static (string Name, string Value) Https => ("X-Forwarded-Proto", "https");

    private async Task<(string Cookie, string Session)> ShowAsync(string? cookie)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/api/session", cookie);
        string id = (await response.JsonAsync()).GetProperty("sessionId").GetString()!;
        return (response.Headers.GetValues("Set-Cookie").Single().Split(';')[0], id);
    }

    private async Task<JsonElement> SessionAsync(string? cookie)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/api/session", cookie);
        return await response.JsonAsync();
    }

    private async Task<(string? Cookie, HttpResponseMessage Answer)> EnterAsync(
        string? cookie, string key = Key, params (string Name, string Value)[] headers)
    {
        HttpResponseMessage response = await SendAsync(
            HttpMethod.Post, "/api/session/keys", cookie, JsonContent.Create(new { provider = "gemini", apiKey = key }),
            headers);
        return (response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? set)
            ? set.Single().Split(';')[0]
            : null, response);
    }

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? cookie, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, cookie, null, headers);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? cookie, HttpContent? content, (string Name, string Value)[] headers)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = _host.Address };
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach ((string name, string value) in headers.Append(("Cookie", cookie ?? "")))
        {
            if (value.Length > 0)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return await client.SendAsync(request);
    }
}
