using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>A session with keys for several providers: who is asked, with whose key, and what the caller sees.</summary>
public sealed class SessionChatClientsTests : IAsyncDisposable
{
    private static readonly SessionId Ann = SessionId.From("ann");
    private static readonly SessionId Bob = SessionId.From("bob");

    private readonly VirtualClock _clock = new();
    private readonly Dictionary<string, ScriptedChatClient> _made = [];
    private ServiceProvider? _services;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_services is not null)
        {
            await _services.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_SessionWithoutChatKey_IsNull()
    {
        SessionChatClients clients = Build();
        Assert.Null(await clients.OpenAsync(Ann, Token));

        await StoreAsync(Ann, ProviderNames.Cartesia);
        Assert.Null(await clients.OpenAsync(Ann, Token));
    }

    [Fact]
    public async Task OpenAsync_SeveralKeys_AsksInTheUsualOrderAndMakesNoClientItDoesNotNeed()
    {
        SessionChatClients clients = Build();
        await StoreAsync(Ann, ProviderNames.OpenRouter, ProviderNames.Anthropic, ProviderNames.Gemini, "acme");
        Script("gemini-ann").Answer("from gemini");

        using FallbackChatClient client = (await clients.OpenAsync(Ann, Token))!;
        Assert.Equal(0, Registry.SessionCount);
        ChatResponse response = await client.GetResponseAsync("hi", null, Token);

        Assert.Equal("from gemini", response.Text);
        Assert.Equal("gemini", response.AdditionalProperties![FallbackChatClient.TargetProperty]);
        Assert.Equal(["gemini-ann"], _made.Keys);
    }

    [Fact]
    public async Task OpenAsync_OrderConfigured_AsksInThatOrder()
    {
        SessionChatClients clients = Build(options => options.ChatOrder = ["Acme", "anthropic"]);
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic, "acme", ProviderNames.Cartesia);

        IReadOnlyList<ApiKey> ordered = clients.Order(await Keys.ListAsync(Ann, Token));

        Assert.Equal(["acme", "anthropic", "gemini"], ordered.Select(key => key.Provider));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_FirstProviderDown_TheSessionsOwnNextKeyAnswers()
    {
        SessionChatClients clients = Build();
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic);
        await StoreAsync(Bob, ProviderNames.OpenAI);
        Script("gemini-ann").Fail(Failures.Unavailable());
        Script("anthropic-ann").Answer("from anthropic");

        using FallbackChatClient client = (await clients.OpenAsync(Ann, Token))!;
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token);

        Assert.Equal("from anthropic", string.Concat(updates.Select(update => update.Text)));
        Assert.Equal("anthropic", updates[0].AdditionalProperties![FallbackChatClient.TargetProperty]);
        Assert.Equal("gemini", updates[0].AdditionalProperties![FallbackChatClient.FallbackFromProperty]);
        Assert.DoesNotContain(_made.Keys, key => key.EndsWith("bob", StringComparison.Ordinal));
    }

    [Fact]
    public async Task OpenAsync_AProviderFailedBefore_LaterClientsOfTheSessionPassItOverAndOthersDoNot()
    {
        SessionChatClients clients = Build();
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic);
        await StoreAsync(Bob, ProviderNames.Gemini, ProviderNames.Anthropic);
        Script("gemini-ann").Fail(Failures.Unavailable()).Answer("gemini again");
        Script("anthropic-ann").Answer("one").Answer("two");
        Script("gemini-bob").Answer("bob's gemini");

        Assert.Equal("one", await AskAsync(clients, Ann));
        _clock.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        Assert.Equal("two", await AskAsync(clients, Ann));
        Assert.Equal("bob's gemini", await AskAsync(clients, Bob));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("gemini again", await AskAsync(clients, Ann));
    }

    [Fact]
    public async Task GetResponseAsync_KeyRefused_NeverTriesAnotherKey()
    {
        SessionChatClients clients = Build();
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic);
        Script("gemini-ann").Fail(Failures.KeyInvalid());

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(clients, Ann));

        Assert.Equal(LlmError.KeyInvalid, failure.Error);
        Assert.Equal(["gemini-ann"], _made.Keys);
    }

    [Fact]
    public async Task GetResponseAsync_AllOwnKeysFail_NeverUsesTheHostsKeyOrTheMock()
    {
        var secrets = new RecordingSecrets();
        SessionChatClients clients = Build(services: services => services.AddSingleton<ISecretSource>(secrets));
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.OpenAI);
        Script("gemini-ann").Fail(Failures.Unavailable());
        Script("openai-ann").Fail(Failures.Unavailable());

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(clients, Ann));

        Assert.Equal(LlmError.Unavailable, failure.Error);
        Assert.Equal(["gemini-ann", "openai-ann"], _made.Keys.Order());
        Assert.Empty(secrets.Asked);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_KeyRemovedMeanwhile_TheClientLivesToTheEndOfTheAnswerAndNoLonger()
    {
        SessionChatClients clients = Build();
        await StoreAsync(Ann, ProviderNames.Gemini);
        Script("gemini-ann").Answer([new ChatResponseUpdate(ChatRole.Assistant, "one "), new ChatResponseUpdate(ChatRole.Assistant, "two")]);
        using FallbackChatClient client = (await clients.OpenAsync(Ann, Token))!;

        await using (IAsyncEnumerator<ChatResponseUpdate> updates = client.GetStreamingResponseAsync("hi", null, Token).GetAsyncEnumerator(Token))
        {
            Assert.True(await updates.MoveNextAsync());
            await Keys.RemoveAsync(Ann, Token);
            await Registry.RemoveAsync(Ann, Token);
            Assert.False(_made["gemini-ann"].IsDisposed);
            Assert.True(await updates.MoveNextAsync());
        }

        Assert.True(_made["gemini-ann"].IsDisposed);
        Assert.Null(await clients.OpenAsync(Ann, Token));
    }

    [Fact]
    public async Task GetResponseAsync_AProviderThatAskedAnotherReplicaForTime_IsPassedOverHere_UntilItAnswers()
    {
        var store = new MemoryCooldownStore(_clock);
        var others = new SessionTargetCooldowns(_clock, capacity: 10, store);
        SessionChatClients clients = Build(services: services => services.AddSingleton<ICooldownStore>(store));
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic);
        ApiKey[] keys = [.. clients.Order(await Keys.ListAsync(Ann, Token))];
        TargetCooldowns there = others.Of(Ann, keys);
        there[0] = TargetCooldowns.Now(_clock) + TimeSpan.FromMinutes(2).Ticks;
        await there.TellAsync(0);
        Script("gemini-ann").Answer("from gemini");
        Script("anthropic-ann").Answer("from anthropic").Fail(Failures.Unavailable());

        Assert.Equal("from anthropic", await AskAsync(clients, Ann));
        Assert.DoesNotContain("gemini-ann", _made.Keys);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("from gemini", await AskAsync(clients, Ann));
    }

    [Fact]
    public async Task GetResponseAsync_AProviderThatAsksForTime_IsToldToOtherReplicas()
    {
        var store = new MemoryCooldownStore(_clock);
        SessionChatClients clients = Build(services: services => services.AddSingleton<ICooldownStore>(store));
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic);
        Script("gemini-ann").Fail(Failures.Unavailable());
        Script("anthropic-ann").Answer("from anthropic");
        ApiKey[] keys = [.. clients.Order(await Keys.ListAsync(Ann, Token))];
        await AskAsync(clients, Ann);

        TargetCooldowns there = new SessionTargetCooldowns(_clock, capacity: 10, store).Of(Ann, keys);
        Assert.Equal(0, there[0]);
        await there.RefreshAsync(Token);
        Assert.Equal(TargetCooldowns.Now(_clock) + TimeSpan.FromSeconds(30).Ticks, there[0]);
        Assert.Equal(0, there[1]);
    }

    [Fact]
    public async Task GetResponseAsync_MoreFailingSessionsThanPlaces_CoolDownsStayBounded()
    {
        var coolDowns = new SessionTargetCooldowns(_clock, capacity: 2);
        ApiKey[] keys = [LlmHost.Key("gemini", "k-1")];
        long now = TargetCooldowns.Now(_clock);
        for (int i = 0; i < 5; i++)
        {
            coolDowns.Of(SessionId.From($"s-{i}"), keys)[0] = now + 100;
        }

        Assert.Equal(2, coolDowns.Count);
        Assert.Equal(0, coolDowns.Of(SessionId.From("s-4"), keys)[0]);
        _clock.Advance(TimeSpan.FromTicks(100));
        coolDowns.Of(SessionId.From("s-4"), keys)[0] = now + 1000;
        Assert.Equal(1, coolDowns.Count);
        coolDowns.Of(SessionId.From("s-4"), keys)[0] = 0;
        Assert.Equal(0, coolDowns.Count);
        await Task.CompletedTask;
    }

    [Fact]
    public void Open_NoneTooManyOrDoubleKeys_Throws()
    {
        SessionChatClients clients = Build();
        ApiKey[] eleven = [.. Enumerable.Range(0, 11).Select(i => LlmHost.Key($"p{i}", "k"))];
        foreach (ApiKey[] keys in (ApiKey[][])[[], eleven, [LlmHost.Key("gemini", "a"), LlmHost.Key("gemini", "b")]])
        {
            Assert.Equal("Give 1 to 10 keys, each for another provider. (Parameter 'keys')",
                Assert.Throws<ArgumentException>(() => clients.Open(Ann, keys)).Message);
        }

        Assert.Equal(LlmError.SessionRequired, Assert.Throws<LlmException>(() => clients.Open(default, eleven)).Error);
    }

    [Fact]
    public async Task Fallback_IsCountedByTargetsAndReason()
    {
        var seen = new List<string>();
        using var listener = new MeterListener();
        SessionChatClients clients = Build(services: services => services.AddMetrics());
        var factory = _services!.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.llm.fallbacks" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            seen.Add($"{value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"));
        listener.Start();
        await StoreAsync(Ann, ProviderNames.Gemini, ProviderNames.Anthropic);
        Script("gemini-ann").Fail(Failures.Unavailable());
        Script("anthropic-ann").Answer("one").Answer("two");

        await AskAsync(clients, Ann);
        await AskAsync(clients, Ann); // passed over: no fallback took place

        Assert.Equal(["1 from=gemini to=anthropic reason=unavailable"], seen);
    }

    private ISessionKeyStore Keys => _services!.GetRequiredService<ISessionKeyStore>();

    private ISessionClientRegistry Registry => _services!.GetRequiredService<ISessionClientRegistry>();

    private static async Task<string> AskAsync(SessionChatClients clients, SessionId session)
    {
        using FallbackChatClient client = (await clients.OpenAsync(session, Token))!;
        return (await client.GetResponseAsync("hi", null, Token)).Text;
    }

    private readonly Dictionary<string, ScriptedChatClient> _scripts = [];

    private ScriptedChatClient Script(string key) => _scripts[key] = new ScriptedChatClient(_clock, key);

    private async Task StoreAsync(SessionId session, params string[] providers)
    {
        foreach (string provider in providers)
        {
            await Keys.SetAsync(session, LlmHost.Key(provider, $"{provider}-{session}"), Token);
        }
    }

    private SessionChatClients Build(Action<CoachLlmOptions>? options = null, Action<IServiceCollection>? services = null)
    {
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton<TimeProvider>(_clock);
        services?.Invoke(collection);
        CoachLlmBuilder builder = collection.AddCoachLlm(options);
        foreach (string provider in (string[])[ProviderNames.Gemini, ProviderNames.OpenAI, ProviderNames.Anthropic, ProviderNames.OpenRouter, "acme"])
        {
            builder.AddProvider(provider, (_, key) => _made[key.Secret.Reveal()] = _scripts[key.Secret.Reveal()]);
        }

        _services = collection.BuildServiceProvider();
        return _services.GetRequiredService<SessionChatClients>();
    }

    private sealed class RecordingSecrets : ISecretSource
    {
        public List<string> Asked { get; } = [];

        public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Secret? secret)
        {
            Asked.Add(name);
            secret = Secret.From("the-hosts-own-key");
            return true;
        }

        public Secret Get(string name, RunMode mode) => TryGet(name, out Secret? secret) ? secret : throw new System.Diagnostics.UnreachableException();

        public IReadOnlyList<string> FindMissing(SecretManifest manifest, RunMode mode) => [];
    }
}
