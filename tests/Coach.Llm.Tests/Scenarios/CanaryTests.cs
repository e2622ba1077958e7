using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Tests;

/// <summary>A marked key goes into every input, servers echo it in every place; then every output is searched for it.</summary>
public sealed class CanaryTests
{
    private const string Canary = "CANARY-7f3a91-do-not-show";

    private readonly ConcurrentQueue<string> _seen = new();
    private readonly HashSet<Type> _walked = [];
    private readonly FakeLogCollector _logs = TestLogs.New();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryPath_GivenAMarkedKey_ShowsItNowhere()
    {
        using var activities = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => See(activity.DisplayName, activity.TagObjects.Select(tag => tag.Value), activity.Events.SelectMany(e => e.Tags.Select(tag => tag.Value))),
        };
        ActivitySource.AddActivityListener(activities);
        using var metrics = new MeterListener { InstrumentPublished = (instrument, self) => self.EnableMeasurementEvents(instrument) };
        metrics.SetMeasurementEventCallback<long>((_, _, tags, _) => See(tags.ToArray().Select(tag => tag.Value)));
        metrics.SetMeasurementEventCallback<double>((_, _, tags, _) => See(tags.ToArray().Select(tag => tag.Value)));
        metrics.SetMeasurementEventCallback<int>((_, _, tags, _) => See(tags.ToArray().Select(tag => tag.Value)));
        metrics.Start();

        int sent = 0;
        var network = new StubHandler((request, _) =>
        {
            int turn = Interlocked.Increment(ref sent);
            if (turn % 5 == 0)
            {
                throw new HttpRequestException($"cannot connect with {Canary}", new IOException(Canary));
            }

            int status = (turn % 4) switch { 0 => 200, 1 => 401, 2 => 403, _ => 429 };
            HttpResponseMessage response = StubHandler.Response(status,
                $$$"""{"error":{"code":{{{status}}},"message":"key {{{Canary}}} api_key:{{{Canary}}}","status":"{{{Canary}}}","type":"{{{Canary}}}","param":"{{{Canary}}}","details":[{"reason":"{{{Canary}}}"}]}}""",
                headers: [("x-echo", Canary), ("retry-after", Canary)]);
            response.ReasonPhrase = Canary;
            return Task.FromResult(response);
        });
        var clock = new VirtualClock();
        await using ServiceProvider host = LlmHost.Build(network, clock, o =>
        {
            o.OpenAICompatible.BaseUrl = new Uri("http://litellm.test");
            o.Sessions.MaxSessions = 2;
            o.Validation.CacheDuration = TimeSpan.Zero;
        }, builder =>
        {
            builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new FakeLoggerProvider(_logs)));
            builder.AddProvider<TestClient>("test", (_, session, key, _) => Task.FromResult<TestClient>(new StubbornClient(session, key)));
        });

        var validator = host.GetRequiredService<IApiKeyValidator>();
        foreach (string provider in ProviderNames.All)
        {
            foreach (string key in (string[])[Canary, $" {Canary}", $"Bearer {Canary}", $"https://x/{Canary}", $"\"{Canary}\"", Canary + "é"])
            {
                for (int i = 0; i < 6; i++)
                {
                    KeyValidation outcome = await validator.ValidateAsync(LlmHost.Key(provider, key), Token);
                    See(outcome, JsonSerializer.Serialize(outcome));
                    Catch(() => outcome.EnsureValid());
                }
            }
        }

        await CatchAsync(() => validator.ValidateAsync(LlmHost.Key(Canary, Canary), Token));
        ApiKey[] keys = [LlmHost.Key("test", Canary), LlmHost.Key("test", Canary + "2")];
        var store = host.GetRequiredService<ISessionKeyStore>();
        var registry = host.GetRequiredService<ISessionClientRegistry>();
        foreach (string name in (string[])["one", "two", "three"])
        {
            foreach (ApiKey key in keys)
            {
                await CatchAsync(() => store.SetAsync(SessionId.From(name), key, Token).AsTask());
                await CatchAsync(async () => (await registry.AcquireAsync<TestClient>(SessionId.From(name), key, Token)).Dispose());
                See(await store.ListAsync(SessionId.From(name), Token), JsonSerializer.Serialize(await store.ListAsync(SessionId.From(name), Token)));
            }
        }

        await CatchAsync(() => store.SetAsync(SessionId.From("one"), LlmHost.Key("test", $"{Canary} {Canary}"), Token).AsTask());
        await CatchAsync(() => registry.AcquireAsync<TestClient>(SessionId.From("one"), LlmHost.Key("nobody", Canary), Token).AsTask());
        await CatchAsync(() => registry.AcquireAsync<string>(SessionId.From("one"), keys[0], Token).AsTask());
        clock.Advance(TimeSpan.FromHours(1));
        metrics.RecordObservableInstruments();
        See(JsonSerializer.Serialize(host.GetRequiredService<IOptions<CoachLlmOptions>>().Value));
        await host.DisposeAsync();

        // Without exceptions: HttpClient's own logs show those of its handlers, whose text is this test's, not a key that Coach put there.
        See(_logs.GetSnapshot().SelectMany(record => (IEnumerable<object?>)
            [record.Message, .. record.StructuredState?.Select(pair => pair.Value) ?? [], .. record.Scopes]));
        Assert.True(_seen.Count > 300, $"only {_seen.Count} outputs were seen");
        Assert.DoesNotContain(_seen, text => text.Contains("CANARY-7f3a91", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task EveryPublicType_HoldingAMarkedKey_ShowsItInNoTextJsonOrDebuggerView()
    {
        var settings = new Dictionary<string, string?> { ["GEMINI_API_KEY"] = Canary };
        CoachLlmBuilder builder = null!;
        await using ServiceProvider host = LlmHost.Build(settings: settings, configure: made => (builder = made).Services.AddCoachSecrets(o => o.Manifest.Require("GEMINI_API_KEY")));
        SessionId session = SessionId.From("s");
        ApiKey key = LlmHost.Key("gemini", Canary);
        var store = host.GetRequiredService<ISessionKeyStore>();
        var registry = host.GetRequiredService<ISessionClientRegistry>();
        await store.SetAsync(session, key, Token);
        using ClientLease<IChatClient> chat = await registry.AcquireAsync<IChatClient>(session, key, Token);
        using var embedding = await registry.AcquireAsync<IEmbeddingGenerator<string, Embedding<float>>>(session, key, Token);
        using ClientLease<ISpeechSynthesizer> speech = await registry.AcquireAsync<ISpeechSynthesizer>(session, LlmHost.Key("cartesia", Canary), Token);
        var sessions = host.GetRequiredService<SessionChatClients>();
        LlmException refused = LlmException.KeyRefused(new KeyValidation(KeyStatus.Invalid, "No.", IsAuthentic: false));
        var caller = new CallerContext(session);
        using ChatPipeline pipeline = await host.GetRequiredService<ChatPipelineFactory>().CreateAsync(caller, cancellationToken: Token);
        var job = new Job { Id = "j", Queue = "q", CallerKey = caller.Key, CreatedAt = DateTimeOffset.UnixEpoch };
        var limits = new StoreLimits(TimeSpan.FromSeconds(1), 3, TimeSpan.FromSeconds(5));
        object[] holders =
        [
            caller, pipeline, host.GetRequiredService<ChatPipelineFactory>(), builder.Chat, host.GetRequiredService<IChatHistoryStore>(),
            new ConversationInfo("c", "title", 1, DateTimeOffset.UnixEpoch), GuardDecision.Allow, new EmbeddingCacheKey("m", 1, EmbeddingTask.Query, ""),
            new MemoryRateLimitStore(TimeProvider.System), new MemoryRevokedSessionStore(TimeProvider.System), new RateLimit(1, 1), default(RateLimitDecision), job,
            new JobLease(job, 1, DateTimeOffset.UnixEpoch), new StoreException("redis", "answer"),
            new ProviderFailure(401, Canary, [new("echo", Canary)]), key, key.Secret, session, refused, LlmException.KeyMissing("gemini"), builder, host.GetRequiredService<IOptions<CoachLlmOptions>>().Value,
            new KeyValidation(KeyStatus.Valid, "Yes.", IsAuthentic: true) { Provider = key.Provider, Fingerprint = key.Fingerprint },
            new KeyModel("model", null), new HostKeyRotation(), host.GetRequiredService<SessionKeyWatch>(), host.GetRequiredService<HostKeys>(),
            host.GetRequiredService<HostKeys>().For("gemini"), host.GetRequiredService<SessionStreams>(),
            store, await store.ListAsync(session, Token), registry, host.GetRequiredService<IApiKeyValidator>(), chat, chat.Client, embedding, embedding.Client,
            speech, speech.Client, new SpeechAnswer("text", default, "", refused), new SpeechOptions(), new MockChatClient(),
            sessions, sessions.Order([key]), (await sessions.OpenAsync(session, Token))!, new FallbackTarget("gemini", chat.Client), new FallbackOptions(), new ChatTurnOptions(),
            new FallbackChatClient([new FallbackTarget("gemini", chat.Client)]),
            host.GetRequiredService<ISecretSource>(), host.GetRequiredService<IOptions<CoachSecretOptions>>().Value,
            Assert.Throws<SecretException>(() => host.GetRequiredService<ISecretSource>().Get("GEMINI_API_KEY", RunMode.Mock)),
            host.GetRequiredService<IOptions<CoachHostOptions>>().Value, new GroundingPassage(1, "source", "heading", "text"),
            new GroundingComparer((_, _, _) => ValueTask.FromResult<IReadOnlyList<float>?>(null)),
            new CallerContext(session, "user", "tenant"), new EmbeddingCacheKey("model", 768, default, "hash"), new RateLimit(1, 60), new RateLimitDecision(true, 0, default),
            new JobLease(new Job { Id = "1", Queue = "q", CallerKey = "c", CreatedAt = default }, 1, default), new MemoryRateLimitStore(TimeProvider.System),
            limits, new StoreGuard("redis", limits, _ => Task.CompletedTask, TimeProvider.System, NullLogger<StoreGuard>.Instance),
            new FallbackRateLimitStore(new MemoryRateLimitStore(TimeProvider.System), new MemoryRateLimitStore(TimeProvider.System), StoreFailurePolicy.FailClosed, TimeProvider.System),
            new MemoryConcurrencyStore(TimeProvider.System), new MemoryCooldownStore(TimeProvider.System),
            new MemorySessionPlaceStore(TimeProvider.System),
            new FallbackSessionPlaceStore(new MemorySessionPlaceStore(TimeProvider.System), new MemorySessionPlaceStore(TimeProvider.System), TimeProvider.System),
            new SessionPlaceEntry(session, "network", "fingerprint") { MaxSessions = 1, Share = 1, Idle = TimeSpan.FromMinutes(1), Lifetime = TimeSpan.FromMinutes(1) },
            new SessionPlaceDecision(true, session),
            new FallbackRevokedSessionStore(new MemoryRevokedSessionStore(TimeProvider.System), new MemoryRevokedSessionStore(TimeProvider.System), StoreFailurePolicy.FailClosed),
            new StoreException("jobs", "reading"), new ConversationInfo("1", "title", 1, default), host.GetRequiredService<IChatHistoryStore>(),
            await Task.WhenAll(host.GetServices<IComponentHealth>().Select(health => health.CheckAsync(Token).AsTask())),
        ];
        foreach (object holder in holders)
        {
            See(holder.ToString(), $"{holder}", string.Format(null, "{0}", holder));
            Catch(() => See(JsonSerializer.Serialize(holder, holder.GetType())));
            Walk(holder, depth: 0);
        }

        Assert.DoesNotContain(_seen, text => text.Contains(Canary, StringComparison.OrdinalIgnoreCase));
        Assert.Empty(new[] { typeof(CoachLlmOptions), typeof(Secret) }.SelectMany(type => type.Assembly.GetExportedTypes())
            .Where(type => !type.IsAbstract && !type.IsEnum && !typeof(Delegate).IsAssignableFrom(type)).Except(_walked).Select(type => type.Name));
    }

    // What a logger or debugger that walks public properties, or a debugger display, would find.
    private void Walk(object? value, int depth)
    {
        if (value is null || depth > 4)
        {
            return;
        }

        See(value.ToString());
        _walked.Add(value.GetType().IsGenericType ? value.GetType().GetGenericTypeDefinition() : value.GetType());
        if (value is string or Type || value.GetType().IsPrimitive || value.GetType().IsEnum)
        {
            return;
        }

        if (value.GetType().GetCustomAttribute<DebuggerTypeProxyAttribute>() is { } proxy && Type.GetType(proxy.ProxyTypeName) is { } view)
        {
            Type closed = view.IsGenericTypeDefinition ? view.MakeGenericType(value.GetType().GetGenericArguments()) : view;
            Walk(Activator.CreateInstance(closed, value), depth + 1);
        }

        foreach (object? item in value as IEnumerable ?? Array.Empty<object>())
        {
            Walk(item, depth + 1);
        }

        foreach (PropertyInfo property in value.GetType().GetProperties().Where(property => property.GetIndexParameters().Length == 0))
        {
            Catch(() => Walk(property.GetValue(value), depth + 1));
        }
    }

    private void See(params IEnumerable<object?> values)
    {
        foreach (object? value in values)
        {
            if (value is IEnumerable<object?> many)
            {
                See(many);
            }
            else if (value is not null)
            {
                _seen.Enqueue(value.ToString() ?? "");
            }
        }
    }

    private void Catch(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure)
        {
            See(failure.ToString(), failure.Data.Values.Cast<object?>());
        }
    }

    private async Task CatchAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (LlmException failure)
        {
            See(failure.ToString(), failure.Data.Values.Cast<object?>(), failure.Provider);
        }
    }

    private sealed class StubbornClient(SessionId session, ApiKey key) : TestClient(session, key)
    {
        public override void Dispose() => throw new InvalidOperationException(Canary);
    }
}
