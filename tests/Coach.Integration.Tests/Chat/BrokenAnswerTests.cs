using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Integration.Tests.Hosting;
using Coach.Llm;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Chat;

/// <summary>
/// Answers that do not come, or not to their end: failing clients of the host, and providers' safety filters.
/// </summary>
public sealed class BrokenAnswerTests : IAsyncLifetime
{
    private const string Canary = "sk-proj-canary0123456789abcdefghij";

    private readonly ForeignClient _foreign = new();
    private readonly LeavingStore _history = new();
    private ProviderFake _providers = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _providers = await ProviderFake.StartAsync();
        _host = await ChatHost.StartAsync(
            values =>
            {
                values["Coach:Llm:Gemini:BaseUrl"] = _providers.BaseUrl("gemini").ToString();
                values["Coach:Llm:OpenAI:BaseUrl"] = _providers.BaseUrl("openai").ToString();
                values["Coach:Llm:Anthropic:BaseUrl"] = _providers.BaseUrl("anthropic").ToString();
            },
            services: services =>
            {
                CoachLlmBuilder llm = services.AddCoachLlm().AddProvider("foreign", (_, _) => _foreign);
                llm.Chat.UseHistoryStore(_ => _history);
            });
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _providers.DisposeAsync();
    }

    [Theory]
    [InlineData("http", 502, "ERR_PROVIDER_FAILED")]
    [InlineData("bug", 502, "ERR_PROVIDER_FAILED")]
    [InlineData("timeout", 504, "ERR_PROVIDER_TIMEOUT")]
    public async Task Chat_ForeignClientFailsBeforeItsFirstWord_IsAProblemWithoutItsWords(
        string failure, int status, string code)
    {
        using HttpClient visitor = await NewForeignVisitorAsync();
        _foreign.Answers("", failure);
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await response.AssertProblemAsync(status, code);
        Assert.DoesNotContain(Canary, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        AssertOnlyTheTypeIsLogged();
    }

    [Theory]
    [InlineData("http", "ERR_PROVIDER_FAILED")]
    [InlineData("bug", "ERR_PROVIDER_FAILED")]
    [InlineData("timeout", "ERR_PROVIDER_TIMEOUT")]
    public async Task Chat_ForeignClientFailsInTheMiddle_EndsInAnErrorEventWithoutItsWords(string failure, string code)
    {
        using HttpClient visitor = await NewForeignVisitorAsync();
        _foreign.Answers("One ", failure);
        ChatReply reply = await visitor.AskAsync("Count to two.");
        Assert.Equal("One ", reply.Text);
        Assert.Equal(["delta", "error"], reply.Events.Select(item => item.Event));
        Assert.Equal(code, reply.Events[^1].Data.GetProperty("code").GetString());
        Assert.StartsWith(
            "The provider's client ",
            reply.Events[^1].Data.GetProperty("message").GetString(),
            StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, reply.Events[^1].Data.ToString(), StringComparison.Ordinal);
        AssertOnlyTheTypeIsLogged();

        _foreign.Answers("Two.", null);
        await visitor.AskAsync("And now?");
        Assert.DoesNotContain(
            _foreign.LastMessages, message => message.Text.Contains("Count to two", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("refusal", 422, "ERR_REQUEST_INVALID")]
    [InlineData("server_error", 502, "ERR_PROVIDER_FAILED")]
    public async Task Chat_ForeignClientReportsAnError_IsToldInCoachsWords(string error, int status, string code)
    {
        using HttpClient visitor = await NewForeignVisitorAsync();
        _foreign.Answers("", error);
        using (HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}"""))
        {
            await response.AssertProblemAsync(status, code);
            Assert.DoesNotContain(Canary, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        _foreign.Answers("One ", error);
        ChatReply reply = await visitor.AskAsync("Count to two.");
        Assert.Equal(["delta", "error"], reply.Events.Select(item => item.Event));
        Assert.Equal(code, reply.Events[^1].Data.GetProperty("code").GetString());
        Assert.DoesNotContain(Canary, reply.Events[^1].Data.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(_host.Logs, line => line.Contains(Canary, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Chat_ReaderLeavesWhileAForeignClientAnswers_IsNoFailure()
    {
        using HttpClient visitor = await NewForeignVisitorAsync();
        _foreign.Answers("One ", "hang");
        using (var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { message = "hello" }) })
        using (HttpResponseMessage response = await visitor.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await _foreign.Left.WaitAsync(ChatHost.HangLimit);
        await _host.DisposeAsync(); // after the last line was logged
        Assert.DoesNotContain(
            _host.Logs,
            line => line.Contains("HttpRequestException", StringComparison.Ordinal) || line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("gemini")]
    [InlineData("openai")]
    [InlineData("anthropic")]
    public async Task Chat_ProviderRefusesTheQuestion_Is422AndNoTurn(string provider)
    {
        using HttpClient visitor = await NewVisitorAsync(provider);
        _providers.Answer(provider, ScriptedAnswer.Blocked());
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"refused-question"}""");
        await response.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        Assert.Contains(
            "The provider's safety filter refused",
            (await response.JsonAsync()).GetProperty("detail").GetString(),
            StringComparison.Ordinal);
        await AssertNoTurnAsync(visitor, provider, "refused-question");
    }

    [Theory]
    [InlineData("gemini", "SAFETY")]
    [InlineData("openai", "content_filter")]
    [InlineData("anthropic", "refusal")]
    public async Task Chat_ProviderStopsItsAnswer_EndsInAnErrorEventAndIsNoTurn(string provider, string finish)
    {
        using HttpClient visitor = await NewVisitorAsync(provider);
        _providers.Answer(provider, ScriptedAnswer.Text("The first step is").WithFinish(finish));
        ChatReply reply = await visitor.AskAsync("stopped-question");
        Assert.Equal("The first step is", reply.Text);
        Assert.Equal("error", reply.Events[^1].Event);
        Assert.Equal("ERR_REQUEST_INVALID", reply.Events[^1].Data.GetProperty("code").GetString());
        Assert.Contains(
            "The provider's safety filter",
            reply.Events[^1].Data.GetProperty("message").GetString(),
            StringComparison.Ordinal);
        Assert.DoesNotContain(reply.Events, item => item.Event is "done" or "citations");
        await AssertNoTurnAsync(visitor, provider, "stopped-question");
    }

    [Fact]
    public async Task Chat_OpenAIRefusalText_IsARefusalInCoachsWords()
    {
        using HttpClient visitor = await NewVisitorAsync("openai");
        _providers.Answer("openai", ScriptedAnswer.Recorded(
            """
            data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","refusal":"I can't help with that."},"finish_reason":null}]}

            data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

            data: [DONE]


            """));
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await response.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Chat_HistoryStoreIsAway_CostsTheHistoryAndNoAnswer_AndTheAnswerSaysSo()
    {
        using HttpClient visitor = await NewForeignVisitorAsync();
        _foreign.Answers("One.", null);
        ChatReply whole = await visitor.AskAsync("Count to one.");
        Assert.False(whole.Events[^1].Data.TryGetProperty("historyKept", out _));
        _history.IsAwayForWrites = true;
        ChatReply reply = await visitor.AskAsync("Count to one.");
        Assert.Equal(["delta", "citations", "done"], reply.Events.Select(item => item.Event));
        Assert.False(reply.Events[^1].Data.GetProperty("historyKept").GetBoolean());
        Assert.Contains(_host.Logs, line => line.Contains("2520 The history store failed (StoreException)", StringComparison.Ordinal));
        using HttpResponseMessage kept = await visitor.DeleteAsync("/api/chat");
        await kept.AssertProblemAsync(503, "ERR_STORE_UNAVAILABLE");

        _history.IsAwayForReads = true;
        using HttpResponseMessage shown = await visitor.GetAsync("/api/chat");
        await shown.AssertProblemAsync(503, "ERR_STORE_UNAVAILABLE");
        ChatReply alone = await visitor.AskAsync("Count to one.");
        Assert.Equal(["delta", "citations", "done"], alone.Events.Select(item => item.Event));
        Assert.False(alone.Events[^1].Data.GetProperty("historyKept").GetBoolean());
    }

    private async Task<HttpClient> NewVisitorAsync(string provider)
    {
        HttpClient visitor = _host.NewVisitor();
        _providers.SetKey(provider, $"{provider}-key");
        await visitor.AddKeyAsync(provider, $"{provider}-key");
        return visitor;
    }

    private async Task<HttpClient> NewForeignVisitorAsync()
    {
        HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.GetAsync("/api/session");
        var session = SessionId.From((await response.JsonAsync()).GetProperty("sessionId").GetString()!);
        await _host.Services.GetRequiredService<ISessionKeyStore>()
            .SetAsync(session, new ApiKey("foreign", Secret.From(Canary)));
        return visitor;
    }

    private async Task AssertNoTurnAsync(HttpClient visitor, string provider, string question)
    {
        _providers.Answer(provider, ScriptedAnswer.Text("Yes."));
        await visitor.AskAsync("later-question");
        string body = Assert.Single(
            _providers.Requests, request => request.Body.Contains("later-question", StringComparison.Ordinal)).Body;
        Assert.DoesNotContain(question, body, StringComparison.Ordinal);
    }

    private void AssertOnlyTheTypeIsLogged()
    {
        Assert.DoesNotContain(_host.Logs, line => line.Contains(Canary, StringComparison.Ordinal));
        Assert.Contains(_host.Logs, line => line.Contains("6005 The chat client of request", StringComparison.Ordinal));
        Assert.DoesNotContain(
            _host.Logs, line => line.Contains("unhandled exception", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>A store of conversations that is away when a test says so.</summary>
    private sealed class LeavingStore : IChatHistoryStore
    {
        private readonly MemoryChatHistoryStore _store = new(new ChatHistoryOptions(), TimeProvider.System);

        public bool IsAwayForReads { get; set; }

        public bool IsAwayForWrites { get; set; }

        private MemoryChatHistoryStore Read => IsAwayForReads ? throw new StoreException("redis", "read") : _store;

        private MemoryChatHistoryStore Write => IsAwayForWrites ? throw new StoreException("redis", "write") : _store;

        public Task<IReadOnlyList<ChatMessage>> LoadAsync(
            CallerContext caller, string conversationId, CancellationToken cancellationToken = default) =>
            Read.LoadAsync(caller, conversationId, cancellationToken);

        public Task AppendAsync(
            CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken = default) =>
            Write.AppendAsync(caller, conversationId, messages, cancellationToken);

        public Task<bool> TruncateAsync(
            CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default) =>
            Write.TruncateAsync(caller, conversationId, count, cancellationToken);

        public Task<IReadOnlyList<ConversationInfo>> ListAsync(
            CallerContext caller, CancellationToken cancellationToken = default) => Read.ListAsync(caller, cancellationToken);

        public Task<bool> RenameAsync(
            CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default) =>
            Write.RenameAsync(caller, conversationId, title, cancellationToken);

        public Task<bool> RemoveAsync(
            CallerContext caller, string conversationId, CancellationToken cancellationToken = default) =>
            Write.RemoveAsync(caller, conversationId, cancellationToken);

        public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default) =>
            Write.EraseAsync(caller, cancellationToken);
    }

    /// <summary>A client of the host that says something and then fails with the key in its words.</summary>
    private sealed class ForeignClient : IChatClient
    {
        private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private (string Text, string? Failure) _script = ("", null);

        public Task Left => _left.Task;

        public IReadOnlyList<ChatMessage> LastMessages { get; private set; } = [];

        public void Answers(string text, string? failure) => _script = (text, failure);

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default) =>
            GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            LastMessages = [.. messages];
            (string text, string? failure) = _script;
            if (text.Length > 0)
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, text);
            }

            switch (failure)
            {
                case "http":
                    throw new HttpRequestException($"foreign {Canary}", null, HttpStatusCode.BadRequest);
                case "bug":
                    throw new InvalidOperationException($"foreign {Canary}");
                case "timeout":
                    throw new TaskCanceledException($"foreign {Canary}", new TimeoutException(Canary));
                case "refusal" or "server_error":
                    yield return new ChatResponseUpdate(
                        ChatRole.Assistant, [new ErrorContent($"foreign {Canary}") { ErrorCode = failure }]);
                    break;
                case "hang":
                    using (cancellationToken.Register(() => _left.TrySetResult()))
                    {
                        try
                        {
                            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                        }
                        catch (OperationCanceledException)
                        {
                            throw new HttpRequestException($"foreign {Canary}");
                        }
                    }

                    break;
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
