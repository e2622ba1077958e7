using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Integration.Tests.Chat;

/// <summary>The main job with users' own keys, against loopback providers.</summary>
public sealed class KeyTests : IAsyncLifetime
{
    private ProviderFake _providers = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _providers = await ProviderFake.StartAsync();
        _host = await ChatHost.StartAsync(UseFakes);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _providers.DisposeAsync();
    }

    [Fact]
    public async Task Key_RefusedInMidSession_IsToldByTheSession()
    {
        _providers.SetKey("openai", "test-key-of-openai");
        _providers.SetKey("gemini", "test-key-of-gemini");
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("openai", "test-key-of-openai");
        await visitor.AddKeyAsync("gemini", "test-key-of-gemini");
        Assert.Equal(["valid", "valid"], await StatusesAsync(visitor));

        _providers.SetKey("gemini", "test-key-of-gemini", ProviderKeyState.Revoked);
        using HttpResponseMessage refused = await visitor.PostAsync("/api/chat", JsonContent.Create(new { message = "hi" }));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Equal(["revoked", "valid"], (await StatusesAsync(visitor)).Order());

        _providers.SetKey("gemini", "another-key-of-gemini");
        await visitor.AddKeyAsync("gemini", "another-key-of-gemini");
        Assert.Equal(["valid", "valid"], await StatusesAsync(visitor));
    }

    [Fact]
    public async Task Session_EndedWhileAnAnswerRuns_EndsTheAnswerWithinASecond()
    {
        _providers.SetKey("openai", "test-key-of-openai");
        _providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("As the first passage says [1], yes."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("openai", "test-key-of-openai");
        _providers.Fail("openai", ProviderFault.HangAfter(2));
        using var question = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { message = "Does Coach validate keys?" }) };
        using HttpResponseMessage answer = await visitor.SendAsync(question, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        long ended = TimeProvider.System.GetTimestamp();
        using HttpResponseMessage removed = await visitor.DeleteAsync("/api/session");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        string rest = await answer.Content.ReadAsStringAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(ended), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        Assert.Contains("ERR_SESSION_REQUIRED", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_StoppedWhileAnAnswerRuns_RefusesMoreAndEndsItWithACodeAfter25Seconds()
    {
        _providers.SetKey("openai", "test-key-of-openai");
        _providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("As the first passage says [1], yes."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("openai", "test-key-of-openai");
        await visitor.AskAsync("Does Coach validate keys?");
        using HttpResponseMessage history = await visitor.GetAsync("/api/chat");
        JsonElement[] messages = [.. (await history.JsonAsync()).GetProperty("messages").EnumerateArray()];
        Assert.Equal(["user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));

        _providers.Fail("openai", ProviderFault.HangAfter(2));
        using var question = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { message = "And now?" }) };
        using HttpResponseMessage answer = await visitor.SendAsync(question, HttpCompletionOption.ResponseHeadersRead);
        long told = TimeProvider.System.GetTimestamp();
        Task stop = _host.Services.GetRequiredService<IHost>().StopAsync();
        using HttpResponseMessage refused = await visitor.PostAsync("/api/chat", JsonContent.Create(new { message = "hi" }));
        await refused.AssertProblemAsync(503, "ERR_SESSION_LIMIT");
        Assert.NotNull(refused.Headers.RetryAfter);
        using HttpResponseMessage ready = await visitor.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);

        string rest = await answer.Content.ReadAsStringAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(told).TotalSeconds, 24, 29);
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        Assert.Contains("ERR_SESSION_LIMIT", rest, StringComparison.Ordinal);
        await stop;
        Assert.InRange(TimeProvider.System.GetElapsedTime(told).TotalSeconds, 24, 30);
    }

    private static async Task<string[]> StatusesAsync(HttpClient visitor)
    {
        JsonElement session = await (await visitor.GetAsync("/api/session")).JsonAsync();
        return [.. session.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("status").GetString()!)];
    }

    [Theory]
    [InlineData("gemini")]
    [InlineData("openai")]
    [InlineData("anthropic")]
    [InlineData("openrouter")]
    [InlineData("openai-compatible")]
    public async Task Key_Valid_ChatsForRealAndIsGoneAfterwards(string provider)
    {
        string key = $"test-key-of-{provider}";
        _providers.SetKey(provider, key);
        _providers.AnswerAlways(provider, _ => ScriptedAnswer.Text("As the first passage says [1], yes."));
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage added = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider, apiKey = key }));
        Assert.Equal(HttpStatusCode.OK, added.StatusCode);
        JsonElement answer = await added.JsonAsync();
        Assert.Equal(provider, answer.GetProperty("provider").GetString());
        Assert.Equal("valid", answer.GetProperty("status").GetString());
        Assert.Equal(16, answer.GetProperty("fingerprint").GetString()!.Length);

        JsonElement session = await (await visitor.GetAsync("/api/session")).JsonAsync();
        Assert.Equal("real", session.GetProperty("mode").GetString());
        ChatReply reply = await visitor.AskAsync("Does Coach validate keys?");
        Assert.Equal("As the first passage says [1], yes.", reply.Text);
        Assert.Equal(provider, reply.Done.GetProperty("provider").GetString());
        Assert.NotEmpty(reply.Passages);
        Assert.All(_providers.Requests, request => Assert.DoesNotContain(key, request.Path, StringComparison.Ordinal));

        using HttpResponseMessage removed = await visitor.DeleteAsync($"/api/session/keys/{provider}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Equal(
            "mock", (await visitor.AskAsync("Does Coach validate keys?")).Done.GetProperty("provider").GetString());
    }

    [Theory]
    [InlineData(ProviderKeyState.Invalid, "ERR_KEY_INVALID", "invalid", false)]
    [InlineData(ProviderKeyState.QuotaExhausted, "ERR_KEY_QUOTA_EXHAUSTED", "quotaExhausted", true)]
    public async Task Key_Refused_SaysWhy(ProviderKeyState state, string code, string keyStatus, bool isAuthentic)
    {
        _providers.SetKey("gemini", "refused-key", state);
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = "refused-key" }));
        await response.AssertProblemAsync(422, code);
        JsonElement problem = await response.JsonAsync();
        Assert.Equal(keyStatus, problem.GetProperty("keyStatus").GetString());
        Assert.Equal(isAuthentic, problem.GetProperty("isAuthentic").GetBoolean());
    }

    [Fact]
    public async Task Key_ProviderDown_NothingIsKnownOfIt()
    {
        _providers.Fail("openai", ProviderFault.Status(503), times: 10);
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "openai", apiKey = "some-key" }));
        await response.AssertProblemAsync(422, "ERR_KEY_UNAVAILABLE");
        Assert.Equal(JsonValueKind.Null, (await response.JsonAsync()).GetProperty("isAuthentic").ValueKind);
    }

    [Theory]
    [InlineData("", "ERR_KEY_MISSING")]
    [InlineData("   ", "ERR_KEY_MISSING")]
    [InlineData("has a space", "ERR_KEY_MALFORMED")]
    [InlineData("https://example.com/v1?key=abc", "ERR_KEY_MALFORMED")]
    [InlineData("control\u0007character", "ERR_KEY_MALFORMED")]
    public async Task Key_NoKeyAtAll_IsRefusedWithoutACall(string apiKey, string code)
    {
        using HttpClient visitor = _host.NewVisitor();
        int before = _providers.ReceivedRequests;
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey }));
        await response.AssertProblemAsync(422, code);
        Assert.Equal(before, _providers.ReceivedRequests);
    }

    [Fact]
    public async Task Key_OfTenMegabytes_Is413()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = new string('k', 10_000_000) }));
        await response.AssertProblemAsync(413, "ERR_TOO_LARGE");
    }

    [Fact]
    public async Task Key_UnknownProvider_NamesTheKnownOnes()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "acme", apiKey = "k" }));
        await response.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        Assert.Contains("gemini", (await response.JsonAsync()).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Key_GivenToAMockHost_Is409()
    {
        await using ChatHost host = await ChatHost.StartAsync(values => values["Coach:Mode"] = "mock");
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = "k" }));
        await response.AssertProblemAsync(409, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Chat_InARealHostWithoutAKey_AsksForOne()
    {
        await using ChatHost host = await ChatHost.StartAsync(values => values["Coach:Mode"] = "real");
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await response.AssertProblemAsync(422, "ERR_KEY_MISSING");
    }

    [Fact]
    public async Task Chat_KeyRevokedMeanwhile_IsAProblemNotAMockAnswer()
    {
        _providers.SetKey("gemini", "soon-revoked");
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("gemini", "soon-revoked");
        _providers.SetKey("gemini", "soon-revoked", ProviderKeyState.Invalid);
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await response.AssertProblemAsync(422, "ERR_KEY_INVALID");
    }

    [Fact]
    public async Task Chat_SecondQuestion_CarriesTheFirstTurnUntilItIsForgotten()
    {
        _providers.SetKey("gemini", "history-key");
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("The ferry leaves at noon [1]."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("gemini", "history-key");
        await visitor.AskAsync("first-question about the ferry");
        await visitor.AskAsync("second-question about the way back");
        string second = Assert.Single(
            _providers.Requests, request => request.Body.Contains("second-question", StringComparison.Ordinal)).Body;
        Assert.Contains("first-question", second, StringComparison.Ordinal);
        Assert.Contains("The ferry leaves at noon.", second, StringComparison.Ordinal);

        using HttpResponseMessage forgotten = await visitor.DeleteAsync("/api/chat");
        Assert.Equal(HttpStatusCode.NoContent, forgotten.StatusCode);
        await visitor.AskAsync("third-question about the harbour");
        string third = Assert.Single(
            _providers.Requests, request => request.Body.Contains("third-question", StringComparison.Ordinal)).Body;
        Assert.DoesNotContain("first-question", third, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_OneConversationForgotten_TheOthersStay()
    {
        _providers.SetKey("gemini", "conversations-key");
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("Yes."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("gemini", "conversations-key");
        await visitor.AskAsync("question-of-the-default");
        await visitor.AskAsync("question-of-the-plan", "plan");
        using HttpResponseMessage forgotten = await visitor.DeleteAsync("/api/chat?conversation=plan");
        Assert.Equal(HttpStatusCode.NoContent, forgotten.StatusCode);
        await visitor.AskAsync("plan-again", "plan");
        await visitor.AskAsync("default-again");
        string plan = Assert.Single(_providers.Requests, request => request.Body.Contains("plan-again", StringComparison.Ordinal)).Body;
        Assert.DoesNotContain("question-of-the-plan", plan, StringComparison.Ordinal);
        string other = Assert.Single(_providers.Requests, request => request.Body.Contains("default-again", StringComparison.Ordinal)).Body;
        Assert.Contains("question-of-the-default", other, StringComparison.Ordinal);

        using HttpResponseMessage wrong = await visitor.DeleteAsync("/api/chat?conversation=a%20b");
        await wrong.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Chat_AfterAMockAnswer_TheModelIsNotShownTheMocksWords()
    {
        _providers.SetKey("gemini", "after-mock-key");
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("Yes."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AskAsync("mock-question about keys");
        await visitor.AddKeyAsync("gemini", "after-mock-key");
        await visitor.AskAsync("real-question about keys");
        string body = Assert.Single(
            _providers.Requests, request => request.Body.Contains("real-question", StringComparison.Ordinal)).Body;
        Assert.DoesNotContain("mock-question", body, StringComparison.Ordinal);
        Assert.DoesNotContain("Mock mode", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_FirstProviderDown_TheSessionsOtherKeyAnswersAndIsNamed()
    {
        _providers.SetKey("gemini", "first-key");
        _providers.SetKey("openai", "second-key");
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("Gemini says so."));
        _providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("OpenAI says so."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("openai", "second-key");
        await visitor.AddKeyAsync("gemini", "first-key");
        ChatReply first = await visitor.AskAsync("Who answers?");
        Assert.Equal("gemini", first.Done.GetProperty("provider").GetString());
        Assert.Equal("Gemini says so.", first.Text);

        _providers.Fail("gemini", ProviderFault.Status(503), times: 100);
        ChatReply second = await visitor.AskAsync("Who answers now?");
        Assert.Equal("openai", second.Done.GetProperty("provider").GetString());
        Assert.Equal("OpenAI says so.", second.Text);
    }

    [Fact]
    public async Task Chat_FirstKeyRevoked_IsAProblemThoughThereIsAnotherKey()
    {
        _providers.SetKey("gemini", "revoked-key");
        _providers.SetKey("openai", "good-key");
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("gemini", "revoked-key");
        await visitor.AddKeyAsync("openai", "good-key");
        _providers.SetKey("gemini", "revoked-key", ProviderKeyState.Invalid);
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await response.AssertProblemAsync(422, "ERR_KEY_INVALID");
    }

    [Fact]
    public async Task Chat_StreamCutInTheMiddle_EndsInAnErrorEvent()
    {
        _providers.SetKey("gemini", "cut-key");
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("One ").ThenText("two ").ThenText("three."));
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("gemini", "cut-key");
        _providers.Fail("gemini", ProviderFault.CutAfter(1));
        ChatReply reply = await visitor.AskAsync("Count to three.");
        Assert.Equal("error", reply.Events[^1].Event);
        Assert.Equal("ERR_PROVIDER_FAILED", reply.Events[^1].Data.GetProperty("code").GetString());
        Assert.DoesNotContain(reply.Events, item => item.Event == "done");
    }

    [Fact]
    public async Task Chat_TenSessionsInterleaved_EachCallCarriesItsOwnSessionsKey()
    {
        const int Sessions = 10;
        const int Calls = 1_000;
        // The message names the session; the fake sees both it and the key.
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("ok"));
        var visitors = new HttpClient[Sessions];
        for (int session = 0; session < Sessions; session++)
        {
            _providers.SetKey("gemini", $"isolated-key-{session}");
            visitors[session] = _host.NewVisitor();
            await visitors[session].AddKeyAsync("gemini", $"isolated-key-{session}");
        }

        await Parallel.ForAsync(0, Calls, new ParallelOptions { MaxDegreeOfParallelism = 10 }, async (call, _) =>
            Assert.Equal("ok", (await visitors[call % Sessions].AskAsync($"question of session-{call % Sessions}-end")).Text));

        var chats = _providers.Requests.Where(
            request => request.Body.Contains("question of session-", StringComparison.Ordinal))
            .ToList();
        Assert.Equal(Calls, chats.Count);
        Assert.All(chats, request =>
        {
            int at = request.Body.IndexOf("question of session-", StringComparison.Ordinal)
                + "question of session-".Length;
            string session = request.Body[at..request.Body.IndexOf("-end", at, StringComparison.Ordinal)];
            Assert.Equal($"isolated-key-{session}", request.Key);
            Assert.Equal(KeyLocation.KeyHeader, request.KeyLocation);
        });
        Array.ForEach(visitors, visitor => visitor.Dispose());
    }

    private void UseFakes(Dictionary<string, string?> values)
    {
        foreach ((string section, string provider) in new[]
        {
            ("Gemini", "gemini"), ("OpenAI", "openai"), ("Anthropic", "anthropic"), ("OpenRouter", "openrouter"),
            ("OpenAICompatible", "openai-compatible"), ("Cartesia", "cartesia"),
        })
        {
            values[$"Coach:Llm:{section}:BaseUrl"] = _providers.BaseUrl(provider).ToString();
        }
    }
}
