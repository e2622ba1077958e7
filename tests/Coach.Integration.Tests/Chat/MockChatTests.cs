using System.Net;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Chat;

/// <summary>The main job without a key.</summary>
public sealed class MockChatTests : IAsyncLifetime
{
    private TempFolder _knowledge = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _knowledge = new TempFolder();
        File.WriteAllText(_knowledge.File("harbour.md"),
            "# Harbour guide\n\n## Lighthouse\n\nThe lighthouse keeper lights the lamp at nineteen hours. The lamp "
            + "burns whale oil.\n\n## Ferry\n\nThe ferry leaves from pier four.\n");
        File.WriteAllText(
            _knowledge.File("kitchen.txt"), "The kitchen serves lentil soup on Tuesdays.");
        _host = await ChatHost.StartAsync(knowledge: _knowledge.Path);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _knowledge.Dispose();
    }

    [Fact]
    public async Task Chat_AnswerStandsInADocument_StreamsItAndCitesTheDocument()
    {
        using HttpClient visitor = _host.NewVisitor();
        ChatReply reply = await visitor.AskAsync("When does the lighthouse keeper light the lamp?");
        Assert.Equal("done", reply.Events[^1].Event);
        Assert.Equal("citations", reply.Events[^2].Event);
        Assert.True(reply.Events.Count(item => item.Event == "delta") > 1, "the answer must be streamed");
        Assert.Contains("nineteen hours", reply.Text);
        Assert.Matches(@"\[1\]", reply.Text);
        JsonElement passage = reply.Passages[0];
        Assert.Equal(1, passage.GetProperty("n").GetInt32());
        Assert.Equal("harbour.md", passage.GetProperty("source").GetString());
        Assert.Contains("Lighthouse", passage.GetProperty("heading").GetString());
        Assert.Contains("nineteen hours", passage.GetProperty("text").GetString());
        Assert.True(passage.GetProperty("score").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, passage.GetProperty("page").ValueKind); // a text has no pages
        Assert.All(passage.GetProperty("at").EnumerateArray(), at => Assert.Contains(
            "1", reply.Text.Substring(at[0].GetInt32(), at[1].GetInt32()), StringComparison.Ordinal));
        Assert.NotEmpty(passage.GetProperty("at").EnumerateArray());
        Assert.Equal("mock", reply.Done.GetProperty("provider").GetString());
        Assert.Contains(reply.Done.GetProperty("ragTier").GetString(), new[] { "local", "lexical" });
        Assert.True(reply.Done.GetProperty("usage").GetProperty("inputTokens").GetInt64() > 0);
        Assert.True(reply.Done.GetProperty("usage").GetProperty("outputTokens").GetInt64() > 0);
    }

    [Fact]
    public async Task Chat_SameQuestionTwice_GivesTheSameAnswer()
    {
        using HttpClient visitor = _host.NewVisitor();
        Assert.Equal(
            (await visitor.AskAsync("Where does the ferry leave?")).Text,
            (await visitor.AskAsync("Where does the ferry leave?")).Text);
    }

    [Fact]
    public async Task Session_FirstCall_SetsAHardenedCookieAndKeepsIt()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage first = await visitor.GetAsync("/api/session");
        string cookie = Assert.Single(first.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("coach_session=", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secure", cookie, StringComparison.OrdinalIgnoreCase);
        JsonElement session = await first.JsonAsync();
        string id = session.GetProperty("sessionId").GetString()!;
        Assert.DoesNotContain(id, cookie, StringComparison.Ordinal);
        Assert.Equal("mock", session.GetProperty("mode").GetString());
        Assert.Empty(session.GetProperty("keys").EnumerateArray());
        using HttpResponseMessage second = await visitor.GetAsync("/api/session");
        Assert.False(second.Headers.Contains("Set-Cookie"));
        Assert.Equal(id, (await second.JsonAsync()).GetProperty("sessionId").GetString());
    }

    [Theory]
    [InlineData("coach_session=unknown")]
    [InlineData("coach_session=")]
    [InlineData("coach_session=%00%01")]
    public async Task Session_UnknownCookie_StartsANewSession(string cookie)
    {
        using var visitor = new HttpClient(
            new SocketsHttpHandler { UseCookies = false })
        { BaseAddress = _host.Address };
        visitor.DefaultRequestHeaders.Add("Cookie", cookie);
        using HttpResponseMessage response = await visitor.GetAsync("/api/session");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Session_Ended_ItsCookieNamesNoSessionAnyMore()
    {
        using var visitor = new HttpClient(
            new SocketsHttpHandler { UseCookies = false })
        { BaseAddress = _host.Address };
        using HttpResponseMessage first = await visitor.GetAsync("/api/session");
        string cookie = first.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        string id = (await first.JsonAsync()).GetProperty("sessionId").GetString()!;
        visitor.DefaultRequestHeaders.Add("Cookie", cookie);
        using HttpResponseMessage end = await visitor.DeleteAsync("/api/session");
        Assert.Equal(HttpStatusCode.NoContent, end.StatusCode);
        using HttpResponseMessage after = await visitor.GetAsync("/api/session");
        Assert.NotEqual(id, (await after.JsonAsync()).GetProperty("sessionId").GetString());
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    [InlineData("http://127.0.0.1:1")]
    public async Task Chat_FromAnotherOrigin_IsRefused(string origin)
    {
        using HttpClient visitor = _host.NewVisitor();
        visitor.DefaultRequestHeaders.Add("Origin", origin);
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await response.AssertProblemAsync(403, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Chat_FromItsOwnOrigin_IsAnswered()
    {
        using HttpClient visitor = _host.NewVisitor();
        visitor.DefaultRequestHeaders.Add("Origin", _host.Address.GetLeftPart(UriPartial.Authority));
        Assert.NotEmpty((await visitor.AskAsync("Where does the ferry leave?")).Text);
    }

    [Theory]
    [InlineData("not json", 400)]
    [InlineData("", 400)]
    [InlineData("[]", 400)]
    [InlineData("""{"message":""", 400)]
    [InlineData("""{"message":"hello","a\ud800":1}""", 400)]
    [InlineData("""{"a\ud800":1,"message":"hello"}""", 400)]
    [InlineData("{}", 422)]
    [InlineData("""{"message":""}""", 422)]
    [InlineData("""{"message":"  \n "}""", 422)]
    [InlineData("""{"message":42}""", 422)]
    [InlineData("""{"message":"\ud800"}""", 422)]
    public async Task Chat_BadBody_SaysWhatToSend(string body, int status)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", body);
        await response.AssertProblemAsync(status, "ERR_REQUEST_INVALID");
    }

    [Theory]
    [InlineData(8_001, 422)]
    [InlineData(100_000, 413)]
    [InlineData(10_000_000, 413)]
    public async Task Chat_TooLong_IsRefusedByItsLength(int length, int status)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", $$"""{"message":"{{new string('a', length)}}"}""");
        await response.AssertProblemAsync(status, status == 413 ? "ERR_TOO_LARGE" : "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Chat_ChunkedBodyOver64KiB_Is413()
    {
        using HttpClient visitor = _host.NewVisitor();
        using var content = new StreamContent(new MemoryStream(new byte[70_000]));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = content };
        request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage response = await visitor.SendAsync(request);
        await response.AssertProblemAsync(413, "ERR_TOO_LARGE");
    }

    [Fact]
    public void Routes_OfTheApi_EndWithoutASlash()
    {
        string?[] routes =
        [
            .. _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                .Select(endpoint => endpoint.RoutePattern.RawText),
        ];
        Assert.Equal(
            [
                "/api/caller",
                "/api/caller/export",
                "/api/chat",
                "/api/config",
                "/api/conversations",
                "/api/conversations/{id}",
                "/api/conversations/{id}/export",
                "/api/feedback",
                "/api/knowledge",
                "/api/payments/links",
                "/api/payments/links/{id}",
                "/api/payments/links/{id}/payments",
                "/api/payments/menu",
                "/api/payments/simulated/{id}",
                "/api/payments/simulated/{id}/{action}",
                "/api/payments/tabs/{id}",
                "/api/payments/tabs/{id}/lines",
                "/api/payments/tabs/{id}/lines/{line}",
                "/api/payments/tabs/{id}/tip",
                "/api/payments/webhook",
                "/api/retrieve",
                "/api/session",
                "/api/session/keys",
                "/api/session/keys/{provider}",
                "/api/usage",
                "/api/usage/export",
            ],
            routes.Where(route => route!.StartsWith("/api", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("GET", "/api/nothing", 404)]
    [InlineData("PUT", "/api/chat", 405)]
    [InlineData("PUT", "/api/session", 405)]
    public async Task Api_WrongAddressOrMethod_IsAProblemToo(string method, string path, int status)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.SendAsync(
            new HttpRequestMessage(new HttpMethod(method), path));
        await response.AssertProblemAsync(status, status == 404 ? "ERR_NOT_FOUND" : "ERR_METHOD_NOT_ALLOWED");
    }

    [Fact]
    public async Task Chat_DocumentChanged_IsAnsweredFromTheNewText()
    {
        using HttpClient visitor = _host.NewVisitor();
        File.WriteAllText(
            _knowledge.File("garden.md"),
            "# Garden\n\nThe gardener prunes the rose hedge every second Monday in March.\n");
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            ChatReply reply = await visitor.AskAsync("When does the gardener prune the rose hedge?");
            if (reply.Passages.Any(passage => passage.GetProperty("source").GetString() == "garden.md"))
            {
                Assert.Contains("second Monday", reply.Text);
                return;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(started) < ChatHost.HangLimit,
                "the new document was not indexed within 5 minutes");
            await Task.Delay(TimeSpan.FromMilliseconds(600), TimeProvider.System); // under the session's rate limit
        }
    }

    [Fact]
    public async Task Chat_ManyAtOnceFromOneSession_Ends429WithRetryAfter()
    {
        await using ChatHost host = await ChatHost.StartAsync(
            values => values["Coach:RateLimits:SessionBurst"] = "3", _knowledge.Path);
        using HttpClient visitor = host.NewVisitor();
        HttpResponseMessage? refused = null;
        for (int call = 0; call < 10 && refused is null; call++)
        {
            HttpResponseMessage response = await visitor.GetAsync("/api/session");
            refused = response.StatusCode == HttpStatusCode.TooManyRequests ? response : null;
        }

        Assert.NotNull(refused);
        await refused.AssertProblemAsync(429, "ERR_RATE_LIMITED");
        Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
    }
}
