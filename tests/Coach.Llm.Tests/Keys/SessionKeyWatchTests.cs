using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>Keys in the middle of their sessions: refused, replaced, rotated, and sessions that end.</summary>
public sealed class SessionKeyWatchTests : IAsyncDisposable
{
    private static readonly SessionId Ann = SessionId.From("ann");
    private static readonly SessionId Bob = SessionId.From("bob");

    private readonly ProviderServer _server = new();
    private readonly VirtualClock _clock = new();
    private readonly Dictionary<string, string?> _settings = [];
    private ServiceProvider? _services;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ServiceProvider Services => _services ??= LlmHost.Build(
        _server, _clock, options => (options.Requests.MaxRetries, options.OpenAI.Protocol) = (0, OpenAIOptions.ChatCompletions), settings: _settings);

    private ISessionKeyStore Keys => Services.GetRequiredService<ISessionKeyStore>();

    private SessionChatClients Chat => Services.GetRequiredService<SessionChatClients>();

    private SessionKeyWatch Watch => Services.GetRequiredService<SessionKeyWatch>();

    public async ValueTask DisposeAsync()
    {
        if (_services is not null)
        {
            await _services.DisposeAsync();
        }
    }

    [Fact]
    public async Task RefusedMidSession_KeyIsCheckedOnceAndMarkedAlone()
    {
        _server.Accept("ann-1", "bob-1");
        await Keys.SetAsync(Ann, Key("ann-1"), Token);
        await Keys.SetAsync(Bob, Key("bob-1"), Token);
        IApiKeyValidator validator = Services.GetRequiredService<IApiKeyValidator>();
        Assert.True((await validator.ValidateAsync(Key("ann-1"), Ann.Value, Token)).IsValid);
        Assert.Equal("ok", await AskAsync(Ann));
        _server.Refuse("ann-1");
        int before = _server.Lists;

        Task<LlmException>[] refused = [.. Enumerable.Range(0, 6).Select(_ => Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann)))];
        Assert.All(await Task.WhenAll(refused), failure => Assert.Equal(LlmError.KeyInvalid, failure.Error));
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann));

        Assert.Equal(1, _server.Lists - before); // the remembered "valid" did not answer
        Assert.Equal((KeyStatus.Invalid, false), (Watch.Find(Ann, Key("ann-1"))!.Status, Watch.Find(Ann, Key("ann-1"))!.IsAuthentic));
        Assert.Null(Watch.Find(Bob, Key("bob-1")));
        Assert.Null(Watch.Find(Bob, Key("ann-1")));
        Assert.Equal("ok", await AskAsync(Bob));

        _server.Accept("ann-1");
        Assert.Equal("ok", await AskAsync(Ann));
        Assert.Null(Watch.Find(Ann, Key("ann-1")));
    }

    [Fact]
    public async Task RefusedMidSession_CheckFindsTheKeyValid_IsNotMarkedNorCheckedAgainSoon()
    {
        _server.Accept("ann-1");
        await Keys.SetAsync(Ann, Key("ann-1"), Token);
        _server.RefuseChat("ann-1");
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann));
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann));
        Assert.Equal(1, _server.Lists);
        Assert.Null(Watch.Find(Ann, Key("ann-1")));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann));
        Assert.Equal(2, _server.Lists);
    }

    [Fact]
    public async Task RefusedMidSession_CheckSaysNothing_TheCallsWordStands()
    {
        _server.Accept("ann-1");
        await Keys.SetAsync(Ann, Key("ann-1"), Token);
        _server.RefuseChat("ann-1");
        _server.ListStatus = 503;
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann));
        Assert.Equal(KeyStatus.Invalid, Watch.Find(Ann, Key("ann-1"))!.Status);
        Watch.Clear(Ann, Key("ann-1"));
        Assert.Null(Watch.Find(Ann, Key("ann-1")));
    }

    [Fact]
    public async Task RefusedMidSession_AnEmbedding_MarksTheKeyToo()
    {
        var registry = Services.GetRequiredService<ISessionClientRegistry>();
        await Keys.SetAsync(Ann, Key("never-known"), Token);
        using var lease = await registry.AcquireAsync<IEmbeddingGenerator<string, Embedding<float>>>(Ann, Key("never-known"), Token);
        await Assert.ThrowsAsync<LlmException>(() => lease.Client.GenerateAsync(["a"], cancellationToken: Token));
        Assert.Equal(KeyStatus.Invalid, Watch.Find(Ann, Key("never-known"))!.Status);
        Assert.Equal(1, _server.Lists);
    }

    [Fact]
    public async Task Refused_KeyThatTheSessionDoesNotHold_IsNotChecked()
    {
        var registry = Services.GetRequiredService<ISessionClientRegistry>();
        using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(Ann, Key("a-hosts"), Token);
        await Assert.ThrowsAsync<LlmException>(() => lease.Client.GetResponseAsync("hi", null, Token));
        Assert.Equal((0, null), (_server.Lists, Watch.Find(Ann, Key("a-hosts"))));
    }

    [Fact]
    public async Task Replaced_KeyServesItsRunningAnswersAndNoOther()
    {
        _server.Accept("old", "new");
        await Keys.SetAsync(Ann, Key("old"), Token);
        using FallbackChatClient held = (await Chat.OpenAsync(Ann, Token))!;
        await using IAsyncEnumerator<ChatResponseUpdate> running = held.GetStreamingResponseAsync("hi", cancellationToken: Token).GetAsyncEnumerator(Token);
        Assert.True(await running.MoveNextAsync());
        await Keys.SetAsync(Ann, Key("new"), Token);
        _server.Refuse("old");

        Assert.Equal("ok", (await held.GetResponseAsync("again", null, Token)).Text); // a client that was opened with the old key
        Assert.Equal("ok", await AskAsync(Ann));
        string rest = running.Current.Text;
        while (await running.MoveNextAsync())
        {
            rest += running.Current.Text;
        }

        Assert.Equal("ok", rest);
        Assert.Equal(["old", "new", "new"], _server.ChatKeys);
    }

    [Fact]
    public async Task Replaced_WhileACallIsOnItsWay_TheCallSucceedsWithTheNewKey()
    {
        _server.Accept("old", "new");
        await Keys.SetAsync(Ann, Key("old"), Token);
        _server.BeforeChat = async key =>
        {
            if (key == "old")
            {
                await Keys.SetAsync(Ann, Key("new"), Token);
                _server.Refuse("old");
            }
        };
        Assert.Equal("ok", await AskAsync(Ann));
        Assert.Equal("ok", await StreamAsync(Ann));
        Assert.Null(Watch.Find(Ann, Key("old"))); // it is not the session's any more
        Assert.Equal(["old", "new", "new"], _server.ChatKeys);
    }

    [Fact]
    public async Task Replaced_AndTheNewKeyRemoved_IsAMissingKey()
    {
        _server.Accept("old", "new");
        await Keys.SetAsync(Ann, Key("old"), Token);
        using FallbackChatClient held = (await Chat.OpenAsync(Ann, Token))!;
        await Keys.SetAsync(Ann, Key("new"), Token);
        await Keys.RemoveAsync(Ann, ProviderNames.OpenAI, Token);
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => held.GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.KeyMissing, failure.Error);
        await Keys.SetAsync(Ann, Key("old"), Token); // the person went back to it
        Assert.Equal("ok", (await held.GetResponseAsync("hi", null, Token)).Text);
    }

    [Fact]
    public async Task HostsOwnKey_UntilTheDate_BothServeAndEitherStandsInForTheOther()
    {
        _settings["OPENAI_API_KEY"] = "host-new";
        _settings["OPENAI_API_KEY_PREVIOUS"] = "host-old";
        _settings["Coach:Llm:HostKeyRotations:openai:PreviousSecret"] = "OPENAI_API_KEY_PREVIOUS";
        _settings["Coach:Llm:HostKeyRotations:openai:PreviousUntil"] = (_clock.GetUtcNow() + TimeSpan.FromDays(1)).ToString("O");
        var host = Services.GetRequiredService<HostKeys>();
        Assert.Equal([Key("host-new"), Key("host-old")], host.For("OpenAI"));
        Assert.Empty(host.For("gemini"));

        _server.Accept("host-old"); // the provider does not know the new one yet
        using FallbackChatClient newer = Chat.Open(Ann, [Key("host-new")]);
        using FallbackChatClient older = Chat.Open(Ann, [Key("host-old")]);
        Assert.Equal(["ok", "ok"], [(await newer.GetResponseAsync("hi", null, Token)).Text, (await older.GetResponseAsync("hi", null, Token)).Text]);
        _server.Refuse("host-old"); // and now only the new one
        _server.Accept("host-new");
        Assert.Equal(["ok", "ok"], [(await newer.GetResponseAsync("hi", null, Token)).Text, (await older.GetResponseAsync("hi", null, Token)).Text]);

        _server.Accept("host-old");
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal([Key("host-new")], host.For("openai"));
        _server.ChatKeys.Clear();
        Assert.Equal("ok", (await older.GetResponseAsync("hi", null, Token)).Text);
        Assert.Equal(["host-new"], _server.ChatKeys);
    }

    [Fact]
    public async Task HostsOwnKey_OfNobodyElse_NeverStandsInForAPersonsKey()
    {
        _settings["OPENAI_API_KEY"] = "host-new";
        _settings["OPENAI_API_KEY_PREVIOUS"] = "host-old";
        _settings["Coach:Llm:HostKeyRotations:openai:PreviousSecret"] = "OPENAI_API_KEY_PREVIOUS";
        _settings["Coach:Llm:HostKeyRotations:openai:PreviousUntil"] = "2100-01-01T00:00:00Z";
        _server.Accept("host-new", "host-old");
        await Keys.SetAsync(Ann, Key("ann-wrong"), Token);
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(Ann));
        Assert.Equal(LlmError.KeyInvalid, failure.Error);
        Assert.Equal(["ann-wrong"], _server.ChatKeys);
    }

    [Fact]
    public async Task Ended_SessionsRunningAnswersEndAndOthersGoOn()
    {
        _server.Accept("ann-1", "bob-1");
        _server.HoldsStreams = true;
        await Keys.SetAsync(Ann, Key("ann-1"), Token);
        await Keys.SetAsync(Bob, Key("bob-1"), Token);
        var streams = Services.GetRequiredService<SessionStreams>();
        using FallbackChatClient ann = (await Chat.OpenAsync(Ann, Token))!;
        using FallbackChatClient bob = (await Chat.OpenAsync(Bob, Token))!;
        await using IAsyncEnumerator<ChatResponseUpdate> annRuns = ann.GetStreamingResponseAsync("hi", cancellationToken: Token).GetAsyncEnumerator(Token);
        await using IAsyncEnumerator<ChatResponseUpdate> bobRuns = bob.GetStreamingResponseAsync("hi", cancellationToken: Token).GetAsyncEnumerator(Token);
        Assert.True(await annRuns.MoveNextAsync());
        Assert.True(await bobRuns.MoveNextAsync());
        Assert.Equal(2, streams.SessionCount);

        Task<bool> next = annRuns.MoveNextAsync().AsTask();
        streams.End(Ann);
        LlmException ended = await Assert.ThrowsAsync<LlmException>(() => next);
        Assert.Equal((LlmError.SessionRequired, ErrorCodes.SessionRequired), (ended.Error, ended.Code));
        Assert.Equal(LlmError.SessionRequired, (await Assert.ThrowsAsync<LlmException>(() => ann.GetResponseAsync("hi", null, Token))).Error);

        _server.Release();
        while (await bobRuns.MoveNextAsync())
        {
        }

        Assert.Equal(0, streams.SessionCount);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("ok", (await ann.GetResponseAsync("hi", null, Token)).Text);
    }

    private static ApiKey Key(string value) => LlmHost.Key(ProviderNames.OpenAI, value);

    private async Task<string> AskAsync(SessionId session)
    {
        using FallbackChatClient client = (await Chat.OpenAsync(session, Token))!;
        return (await client.GetResponseAsync("hi", null, Token)).Text;
    }

    private async Task<string> StreamAsync(SessionId session)
    {
        using FallbackChatClient client = (await Chat.OpenAsync(session, Token))!;
        string text = "";
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("hi", cancellationToken: Token))
        {
            text += update.Text;
        }

        return text;
    }

    /// <summary>OpenAI with the keys that it knows at the moment.</summary>
    private sealed class ProviderServer : HttpMessageHandler
    {
        private readonly Lock _gate = new();
        private readonly HashSet<string> _known = [];
        private readonly HashSet<string> _noChat = [];
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Lists { get; private set; }

        public int ListStatus { get; set; } = 200;

        public List<string> ChatKeys { get; } = [];

        public bool HoldsStreams { get; set; }

        public Func<string, Task> BeforeChat { get; set; } = _ => Task.CompletedTask;

        public void Accept(params string[] keys)
        {
            lock (_gate)
            {
                _known.UnionWith(keys);
                _noChat.ExceptWith(keys);
            }
        }

        public void Refuse(string key)
        {
            lock (_gate)
            {
                _known.Remove(key);
            }
        }

        public void RefuseChat(string key) => _noChat.Add(key);

        public void Release()
        {
            HoldsStreams = false;
            _released.TrySetResult();
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string key = request.Headers.GetValues("Authorization").Single()["Bearer ".Length..];
            if (request.Method == HttpMethod.Get)
            {
                lock (_gate)
                {
                    Lists++;
                    return _known.Contains(key) || ListStatus != 200 ? StubHandler.Response(ListStatus, """{"data":[]}""") : Refusal();
                }
            }

            string body = await request.Content!.ReadAsStringAsync(cancellationToken);
            lock (_gate)
            {
                ChatKeys.Add(key);
            }

            await BeforeChat(key);
            lock (_gate)
            {
                if (!_known.Contains(key) || _noChat.Contains(key))
                {
                    return Refusal();
                }
            }

            if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
            {
                return StubHandler.Response(200, """{"choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}""");
            }

            HttpResponseMessage response = StubHandler.Response(200, "", "text/event-stream");
            response.Content = new StreamContent(new Held(HoldsStreams ? _released.Task : Task.CompletedTask));
            response.Content.Headers.TryAddWithoutValidation("Content-Type", "text/event-stream");
            return response;
        }

        private static HttpResponseMessage Refusal() =>
            StubHandler.Response(401, """{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}""");

        // Half of the answer now, the rest when released.
        private sealed class Held(Task released) : MemoryStream
        {
            private readonly Queue<string> _parts = new(
            [
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"o\"}}]}\n\n",
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"k\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            ]);

            public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                if (_parts.Count == 1)
                {
                    await released.WaitAsync(cancellationToken);
                }

                return _parts.TryDequeue(out string? part) ? System.Text.Encoding.UTF8.GetBytes(part, buffer.Span) : 0;
            }
        }
    }
}
