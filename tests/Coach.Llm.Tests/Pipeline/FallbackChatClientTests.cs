using System.Diagnostics.Metrics;
using Coach.Llm.Providers;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

[Collection(nameof(VirtualTime))]
public sealed class FallbackChatClientTests
{
    private readonly VirtualClock _clock = new();
    private readonly ScriptedChatClient _first;
    private readonly ScriptedChatClient _second;

    public FallbackChatClientTests()
    {
        _first = new ScriptedChatClient(_clock, "first");
        _second = new ScriptedChatClient(_clock, "second");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetResponseAsync_FirstTargetWorks_AnswersAndSaysSo()
    {
        _first.Answer("from the first");
        ChatResponse response = await Client().GetResponseAsync("hi", null, Token);

        Assert.Equal("from the first", response.Text);
        Assert.Equal("first", response.AdditionalProperties![FallbackChatClient.TargetProperty]);
        Assert.False(response.AdditionalProperties.ContainsKey(FallbackChatClient.FallbackFromProperty));
    }

    [Fact]
    public async Task GetResponseAsync_TransientFailure_SecondAnswersVisibly()
    {
        _first.Fail(Failures.Unavailable());
        _second.Answer("from the second");

        ChatResponse response = await Client().GetResponseAsync("hi", null, Token);

        Assert.Equal("from the second", response.Text);
        Assert.Equal("second", response.AdditionalProperties![FallbackChatClient.TargetProperty]);
        Assert.Equal("first", response.AdditionalProperties[FallbackChatClient.FallbackFromProperty]);
    }

    [Fact]
    public async Task GetResponseAsync_FailuresThatOthersWouldNotMend_ReachTheCaller()
    {
        foreach (LlmException failure in (LlmException[])
            [Failures.KeyInvalid(), Failures.QuotaExhausted(), Failures.Rejected(), LlmException.LocalLimit("calls", null)])
        {
            var first = new ScriptedChatClient(_clock).Fail(failure);
            using var client = new FallbackChatClient([new("first", first), new("second", _second)], timeProvider: _clock);
            Assert.Same(failure, await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token)));
            Assert.Same(failure, await Assert.ThrowsAsync<LlmException>(
                async () => await client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token)));
        }

        Assert.Empty(_second.Calls);
    }

    [Fact]
    public async Task GetResponseAsync_QuotaExhaustedAndAskedTo_MovesOn()
    {
        _first.Fail(Failures.QuotaExhausted());
        _second.Answer("paid by another");
        Assert.Equal("paid by another", (await Client(new FallbackOptions { OnQuotaExhausted = true }).GetResponseAsync("hi", null, Token)).Text);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_NoFirstTokenInTime_SecondAnswersAtTheLimit()
    {
        _first.Hang();
        _second.Answer("quick one");
        IChatClient client = Client(new FallbackOptions { FirstTokenTimeout = TimeSpan.FromSeconds(5) });

        Task<List<ChatResponseUpdate>> task = Task.Run(() => client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token).AsTask(), Token);
        await _clock.RunUntilAsync(task);

        Assert.Equal("quick one", string.Concat((await task).Select(update => update.Text)));
        Assert.Equal("first", (await task)[0].AdditionalProperties![FallbackChatClient.FallbackFromProperty]);
        Assert.Equal(TimeSpan.FromSeconds(5), _clock.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_LimitPassesAfterTheFirstToken_DoesNotMatter()
    {
        _first.Hang(after: "token");
        IChatClient client = Client(new FallbackOptions { FirstTokenTimeout = TimeSpan.FromSeconds(5) });
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync("hi", null, cancel.Token))
            {
                _clock.Advance(TimeSpan.FromMinutes(1));
                await cancel.CancelAsync();
            }
        });
        Assert.Empty(_second.Calls);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_FailureAfterATokenWasShown_ReachesTheCaller()
    {
        _first.Fail(LlmException.StreamInterrupted("gemini"), after: "shown");
        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            async () => await Client().GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token));
        Assert.Equal(LlmError.StreamInterrupted, exception.Error);
        Assert.Empty(_second.Calls);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_FailureAfterATokenAndAskedToRestart_StartsOverMarked()
    {
        _first.Fail(LlmException.StreamInterrupted("gemini"), after: "void");
        _second.Answer("whole answer");
        List<ChatResponseUpdate> updates = await Client(new FallbackOptions { RestartAfterFirstToken = true })
            .GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token);

        int restart = updates.FindIndex(update => update.AdditionalProperties?.ContainsKey(FallbackChatClient.RestartedProperty) == true);
        Assert.Equal(1, restart);
        Assert.Equal("whole answer", string.Concat(updates.Skip(restart).Select(update => update.Text)));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_RestartedAnswerIsLong_ItsFirstTokenEndsTheLimit()
    {
        _first.Fail(LlmException.StreamInterrupted("gemini"), after: "void");
        _second.Answer("a long answer");
        using var third = new ScriptedChatClient(_clock, "third");
        using var client = new FallbackChatClient([new("first", _first), new("second", _second), new("third", third)],
            new FallbackOptions { RestartAfterFirstToken = true, FirstTokenTimeout = TimeSpan.FromSeconds(5) }, _clock);

        var text = new List<string>();
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("hi", null, Token))
        {
            text.Add(update.Text);
            _clock.Advance(TimeSpan.FromSeconds(6));
        }

        Assert.EndsWith("a long answer", string.Concat(text), StringComparison.Ordinal);
        Assert.Empty(third.Calls);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_TargetThrowsWhenCalled_MovesOnAsForAnyFailure()
    {
        _second.Answer("from the second");
        using var client = new FallbackChatClient(
            [new("first", new ThrowingClient(Failures.Unavailable())), new("second", _second)], timeProvider: _clock);

        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token);

        Assert.Equal("from the second", string.Concat(updates.Select(update => update.Text)));
        Assert.Equal("first", updates[0].AdditionalProperties![FallbackChatClient.FallbackFromProperty]);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_SecondThrowsWhenCalledAfterTheFirstWasShown_TheThirdRestartsVisibly()
    {
        _first.Fail(LlmException.StreamInterrupted("gemini"), after: "void");
        _second.Answer("whole answer");
        using var client = new FallbackChatClient(
            [new("first", _first), new("throws", new ThrowingClient(Failures.Unavailable())), new("second", _second)],
            new FallbackOptions { RestartAfterFirstToken = true }, _clock);

        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token);

        int restart = updates.FindIndex(update => update.AdditionalProperties?.ContainsKey(FallbackChatClient.RestartedProperty) == true);
        Assert.Equal("whole answer", string.Concat(updates.Skip(restart).Select(update => update.Text)));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_LastTargetThrowsWhenCalled_ReachesTheCaller()
    {
        LlmException failure = Failures.Unavailable();
        using var client = new FallbackChatClient([new("only", new ThrowingClient(failure))], timeProvider: _clock);
        Assert.Same(failure, await Assert.ThrowsAsync<LlmException>(async () => await client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token)));
    }

    [Fact]
    public async Task Fallbacks_AreCountedByTargetsAndReason()
    {
        var meters = new TestMeters();
        var counted = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter == meters.Only)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            counted.Add($"{instrument.Name} {value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"));
        listener.Start();
        _first.Fail(Failures.Unavailable()).Fail(Failures.RateLimited()).Fail(Failures.KeyInvalid());
        _second.Answer("second");
        using var client = new FallbackChatClient([new("first", _first), new("second", _second)], null, _clock, meters);

        await client.GetResponseAsync("hi", null, Token);
        _clock.Advance(TimeSpan.FromSeconds(30));
        await client.GetStreamingResponseAsync("hi", null, Token).ToListAsync(Token);
        _clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));

        Assert.Equal(
            ["coach.llm.fallbacks 1 from=first to=second reason=unavailable", "coach.llm.fallbacks 1 from=first to=second reason=rate_limited"], counted);
    }

    [Fact]
    public async Task CoolDown_WallClockIsSetBack_LastsNoLonger()
    {
        _first.Fail(Failures.Unavailable()).Answer("first again");
        _second.Answer("second");
        IChatClient client = Client();
        await client.GetResponseAsync("hi", null, Token);

        _clock.JumpWallClock(TimeSpan.FromHours(-3));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("first again", (await client.GetResponseAsync("hi", null, Token)).Text);
    }

    [Fact]
    public async Task CoolDown_AfterAFailure_PassesTheTargetOverUntilItEnds()
    {
        _first.Fail(Failures.Unavailable()).Answer("first again");
        _second.Answer("second");
        IChatClient client = Client();
        await client.GetResponseAsync("hi", null, Token);

        _clock.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        Assert.Equal("second", (await client.GetResponseAsync("hi", null, Token)).Text);
        Assert.Single(_first.Calls);

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("first again", (await client.GetResponseAsync("hi", null, Token)).Text);
    }

    [Fact]
    public async Task CoolDown_ProviderAsksForLonger_LastsAsLong()
    {
        _first.Fail(Failures.RateLimited(TimeSpan.FromMinutes(10))).Answer("first again");
        _second.Answer("second");
        IChatClient client = Client();
        await client.GetResponseAsync("hi", null, Token);

        _clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal("second", (await client.GetResponseAsync("hi", null, Token)).Text);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("first again", (await client.GetResponseAsync("hi", null, Token)).Text);
    }

    [Fact]
    public async Task GetResponseAsync_AllTargetsCoolDown_TriesThemAllTheSame()
    {
        _first.Fail(Failures.Unavailable());
        _second.Fail(Failures.Unavailable());
        IChatClient client = Client();
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(2, _first.Calls.Count);
        Assert.Equal(2, _second.Calls.Count);
    }

    [Fact]
    public async Task GetResponseAsync_OnTheSecondTarget_SendsNoThoughtsSignaturesOrForeignModel()
    {
        var call = new FunctionCallContent("c1", "lookup", new Dictionary<string, object?> { ["q"] = "x" });
        ReasoningSignatures.Attach(call, "coach|gemini/m/f|SIGNATURE");
        ChatMessage[] history =
        [
            new(ChatRole.User, "hi"),
            new(ChatRole.Assistant, [new TextReasoningContent("thinking") { ProtectedData = "coach|gemini/m/f|SIG" }, new TextContent("text"), call]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", "result")]),
        ];
        _first.Fail(Failures.Unavailable());
        _second.Answer("ok");

        await Client().GetResponseAsync(history, new ChatOptions { ModelId = "gemini-3.8-flash" }, Token);

        Assert.Same(history[1], _first.Calls[0][1]);
        ChatMessage sent = _second.Calls[0][1];
        Assert.Equal([typeof(TextContent), typeof(FunctionCallContent)], sent.Contents.Select(content => content.GetType()));
        Assert.Null(sent.Contents[1].AdditionalProperties);
        Assert.Equal("c1", ((FunctionCallContent)sent.Contents[1]).CallId);
        Assert.Null(_second.Options[0]!.ModelId);
    }

    [Fact]
    public async Task GetResponseAsync_Cancelled_AsksNobodyElse()
    {
        _first.Hang();
        using var cancel = new CancellationTokenSource();
        Task<ChatResponse> answer = Client().GetResponseAsync("hi", null, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        Assert.Empty(_second.Calls);
    }

    [Fact]
    public void Constructor_WrongTargets_Throws()
    {
        Assert.Throws<ArgumentException>(() => new FallbackChatClient([]));
        Assert.Throws<ArgumentException>(() => new FallbackChatClient([new("a", _first), new("a", _second)]));
        Assert.Throws<ArgumentException>(() => new FallbackChatClient([new("a", _first)], new FallbackOptions { CoolDown = TimeSpan.FromHours(2) }));
    }

    [Fact]
    public void Dispose_ByOption_DisposesOrLeavesTheTargets()
    {
        Client(new FallbackOptions { LeaveOpen = true }).Dispose();
        Assert.False(_first.IsDisposed);
        Client().Dispose();
        Assert.True(_first.IsDisposed && _second.IsDisposed);
    }

    private sealed class ThrowingClient(Exception failure) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) => throw failure;

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) => throw failure;

        public object? GetService(Type serviceType, object? serviceKey) => null;

        public void Dispose()
        {
        }
    }

    private sealed class TestMeters : IMeterFactory
    {
        public Meter Only { get; } = new("Coach.Llm");

        public Meter Create(MeterOptions options) => Only;

        public void Dispose() => Only.Dispose();
    }

    private FallbackChatClient Client(FallbackOptions? options = null) =>
        new([new("first", _first), new("second", _second)], options, _clock);
}
