using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Proofs.Llm;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

[Collection(nameof(VirtualTime))]
public sealed class ForeignChatClientTests
{
    private static readonly SessionId Session = SessionId.From("one");
    private static readonly ApiKey Key = LlmHost.Key("vendor", "a-key-of-this-test-0001");

    private readonly VirtualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int?, string?, LlmError> Answers => new()
    {
        { 401, """{"error":{"code":"invalid_api_key","message":"no"}}""", LlmError.KeyInvalid },
        { 429, """{"error":{"code":"insufficient_quota","message":"used up"}}""", LlmError.QuotaExhausted },
        { 400, """{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}""", LlmError.ContextTooLong },
        { 400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API"}}""", LlmError.QuotaExhausted },
        { 400, """{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}""", LlmError.KeyInvalid },
        { 404, """{"error":{"message":"no such model","type":"invalid_request_error"}}""", LlmError.ModelNotFound },
        { 503, null, LlmError.Unavailable },
        { null, """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""", LlmError.Unavailable },
        { 0, """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""", LlmError.Unavailable },
        { 200, "<html>a page</html>", LlmError.InvalidResponse },
        { null, null, LlmError.ProviderFailed },
    };

    public static TheoryData<Exception, LlmError> Failures => new()
    {
        { new HttpRequestException("refused"), LlmError.Unreachable },
        { new HttpRequestException("answered", null, System.Net.HttpStatusCode.TooManyRequests), LlmError.RateLimited },
        { new AggregateException(new SdkException(new ProviderFailure(500)), new SdkException(new ProviderFailure(401))), LlmError.KeyInvalid },
        { new SdkException(null, new IOException("cut", new SocketException())), LlmError.Unreachable },
        { new TimeoutException(), LlmError.TimedOut },
        { new TaskCanceledException("the client's own limit"), LlmError.TimedOut },
        { new JsonException("what is this"), LlmError.InvalidResponse },
        { new SdkException(null), LlmError.ProviderFailed },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Failure_OfWhichTheClientTellsTheAnswer_IsJudgedAsEveryOther(int? status, string? body, LlmError expected)
    {
        using var client = new FailingClient(() => new SdkException(new ProviderFailure(status, body)));
        foreach (bool isStream in (bool[])[false, true])
        {
            LlmException failure = await FailureAsync(client, isStream);
            Assert.Equal((expected, "vendor"), (failure.Error, failure.Provider));
            Assert.Null(failure.InnerException);
        }
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Failure_OfAnotherKind_IsTheErrorThatCoachsOwnClientsGive(Exception exception, LlmError expected)
    {
        using var client = new FailingClient(() => exception);
        Assert.Equal(expected, (await FailureAsync(client, isStream: false)).Error);
        Assert.Equal(expected, (await FailureAsync(client, isStream: true)).Error);
    }

    [Fact]
    public async Task Failure_OfTheHintsInTheHeaders_CarriesTheWait()
    {
        using var client = new FailingClient(() => new SdkException(new ProviderFailure(429, null, [new("Retry-After", "7")])));
        LlmException failure = await FailureAsync(client, isStream: false);
        Assert.Equal((LlmError.RateLimited, TimeSpan.FromSeconds(7)), (failure.Error, failure.RetryAfter));
    }

    [Fact]
    public async Task Failure_AfterTheFirstUpdate_IsAnInterruptedStream()
    {
        using var client = new FailingClient(() => new IOException("cut"), after: "half an");
        Assert.Equal(LlmError.StreamInterrupted, (await FailureAsync(client, isStream: true)).Error);
    }

    [Fact]
    public async Task Failure_ThatIsTheCallers_StaysWhatItIs()
    {
        foreach (Exception own in (Exception[])[new ArgumentException("wrong"), new NotSupportedException(), new InvalidOperationException()])
        {
            using var client = new FailingClient(() => own);
            Assert.Same(own, await Record.ExceptionAsync(() => AskAsync(client, isStream: true)));
        }

        using var cancel = new CancellationTokenSource();
        using var cancelling = new FailingClient(() =>
        {
            cancel.Cancel();
            return new TaskCanceledException();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AskAsync(cancelling, isStream: false, cancel.Token));
    }

    [Fact]
    public async Task Client_WithRetries_IsTriedAgainAsCoachsOwnAre()
    {
        using var client = new FailingClient(() => new SdkException(new ProviderFailure(503)));
        Task<LlmException> failing = Task.Run(() => FailureAsync(client, isStream: true, retry: true), Token);
        await _clock.RunUntilAsync(failing);
        Assert.Equal((LlmError.Unavailable, 4), ((await failing).Error, client.Calls));
    }

    [Fact]
    public async Task Client_OfASessionAtItsLimit_IsNotAsked()
    {
        using var client = new FailingClient(() => new SdkException(new ProviderFailure(503)));
        await using ServiceProvider services = Build(client, options: options => (options.Limits.SessionCallsPerMinute, options.Limits.SessionBurst) = (1, 1));
        Assert.Equal(LlmError.Unavailable, (await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream: false, Token))).Error);
        Assert.Equal(LlmError.LocalLimit, (await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream: false, Token))).Error);
        Assert.Equal(1, client.Calls);
    }

    [Fact]
    public async Task Client_OfTheHosts_IsFoundByItsTypeAndDisposedOnce()
    {
        var client = new FailingClient(() => new SdkException(null));
        await using (ServiceProvider services = Build(client))
        {
            var registry = services.GetRequiredService<ISessionClientRegistry>();
            using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(Session, Key, Token);
            Assert.Same(client, lease.Client.GetService<FailingClient>());
            InvalidOperationException shared = await Assert.ThrowsAsync<InvalidOperationException>(
                () => registry.AcquireAsync<IChatClient>(SessionId.From("two"), Key, Token).AsTask());
            Assert.Contains("already belongs to a session", shared.Message, StringComparison.Ordinal);
            Assert.Equal(0, client.Disposals);
        }

        Assert.Equal(1, client.Disposals);
    }

    /// <summary>What the SDKs really throw is proven by <see cref="SdkCompositionTests"/>; here each kind has its error.</summary>
    [Fact]
    public void Refusals_OfTheProof_AreOfManyKinds() =>
        Assert.Equal((9, 9), (SdkServer.OpenAI.DistinctBy(one => one.Body).Count(), SdkServer.Anthropic.DistinctBy(one => one.Body).Count()));

    private ServiceProvider Build(IChatClient client, bool retry = false, Action<CoachLlmOptions>? options = null) => LlmHost.Build(
        clock: _clock, options: options,
        configure: builder => builder.AddProvider("Vendor", (_, _) => client, failure => (failure as SdkException)?.Failure, retry));

    private async Task<LlmException> FailureAsync(IChatClient client, bool isStream, bool retry = false)
    {
        await using ServiceProvider services = Build(client, retry);
        return await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream, Token));
    }

    private async Task AskAsync(IChatClient client, bool isStream, CancellationToken? cancellationToken = null)
    {
        await using ServiceProvider services = Build(client);
        await AskAsync(services, isStream, cancellationToken ?? Token);
    }

    private static async Task AskAsync(ServiceProvider services, bool isStream, CancellationToken cancellationToken)
    {
        using ClientLease<IChatClient> lease = await services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(Session, Key, Token);
        _ = isStream
            ? await lease.Client.GetStreamingResponseAsync("hi", null, cancellationToken).ToChatResponseAsync(cancellationToken)
            : await lease.Client.GetResponseAsync("hi", null, cancellationToken);
    }

    private sealed class SdkException(ProviderFailure? failure, Exception? inner = null) : Exception("echoes a-key-of-this-test-0001", inner)
    {
        public ProviderFailure? Failure { get; } = failure;
    }

    private sealed class FailingClient(Func<Exception> failure, string? after = null) : IChatClient, IAsyncDisposable
    {
        public int Calls { get; private set; }

        public int Disposals { get; private set; }

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
        {
            Calls++;
            return Task.FromException<ChatResponse>(failure());
        }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Calls++;
            await Task.Yield();
            if (after is not null)
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, after);
            }

            throw failure();
        }

        public object? GetService(Type serviceType, object? serviceKey) => serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync()
        {
            Disposals++;
            return ValueTask.CompletedTask;
        }
    }
}
