using System.Diagnostics.Metrics;
using Coach.Llm.Core;
using Coach.Llm.Resilience;
using Coach.Llm.Streaming;
using Coach.Llm.Telemetry;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Tests;

[Collection(nameof(VirtualTime))]
public sealed class ResilientChatClientTests
{
    private readonly VirtualClock _clock = new();
    private readonly LlmRequestOptions _options = new();
    private readonly ScriptedChatClient _provider;
    public ResilientChatClientTests() => _provider = new ScriptedChatClient(_clock);
    private const string OneKey = "0123456789abcdef";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetResponseAsync_ThreeOutages_RetriesAfterOneTwoAndFourSeconds()
    {
        _provider.Fail(Failures.Unavailable()).Fail(Failures.Unavailable()).Fail(Failures.Unavailable()).Answer("at last");

        ChatResponse response = await RunAsync(client => client.GetResponseAsync("hi", null, Token));

        Assert.Equal("at last", response.Text);
        Assert.Equal(4, _provider.Calls.Count);
        Assert.Equal(TimeSpan.FromSeconds(7), Elapsed);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_ProviderIsSilentButAtWork_TheFirstTokensLimitBeginsAgain()
    {
        (_options.FirstTokenTimeout, _options.AttemptTimeout, _options.MaxRetries) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20), 0);
        using var provider = new AtWorkClient(_clock, keepAlives: 9, TimeSpan.FromSeconds(9));

        string text = await RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token)), provider: provider);

        Assert.Equal("at last", text);
        Assert.Equal(TimeSpan.FromSeconds(90), Elapsed); // beyond the attempt's limit, too
    }

    [Fact]
    public async Task GetStreamingResponseAsync_ProviderStopsShowingThatItIsAtWork_TimesOut()
    {
        (_options.FirstTokenTimeout, _options.AttemptTimeout, _options.MaxRetries) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20), 0);
        using var provider = new AtWorkClient(_clock, keepAlives: 2, TimeSpan.FromSeconds(9), last: TimeSpan.FromSeconds(11));

        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token)), provider: provider));

        Assert.Equal(LlmError.TimedOut, failure.Error);
        Assert.Equal(TimeSpan.FromSeconds(28), Elapsed);
    }

    [Fact]
    public async Task GetResponseAsync_Jitter_SpreadsTheWaitOverHalfToOneAndAHalf()
    {
        _provider.Fail(Failures.Unavailable()).Answer("ok");
        await RunAsync(client => client.GetResponseAsync("hi", null, Token), random: new FixedRandom(0.25));
        Assert.Equal(TimeSpan.FromMilliseconds(750), Elapsed);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_OutageThenAnswer_IsSeenAsOneStream()
    {
        _provider.Fail(Failures.RateLimited(TimeSpan.FromSeconds(34.07))).Answer("one two three");

        string text = await RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token)));

        Assert.Equal("one two three", text);
        Assert.Equal(TimeSpan.FromSeconds(34.07), Elapsed);
    }

    [Theory]
    [InlineData(61)]
    [InlineData(119)]
    public async Task GetResponseAsync_HintBeyondTheLongestWait_FailsAtOnceWithTheHint(int seconds)
    {
        _provider.Fail(Failures.RateLimited(TimeSpan.FromSeconds(seconds)));

        LlmException exception = await Assert.ThrowsAsync<LlmException>(() => RunAsync(client => client.GetResponseAsync("hi", null, Token)));

        Assert.Equal(LlmError.RateLimited, exception.Error);
        Assert.Equal(TimeSpan.FromSeconds(seconds), exception.RetryAfter);
        Assert.Equal(TimeSpan.Zero, Elapsed);
        Assert.Single(_provider.Calls);
    }

    [Fact]
    public async Task GetResponseAsync_HintBeyondWhatIsLeftOfTheTotal_FailsAtOnce()
    {
        _options.TotalTimeout = TimeSpan.FromSeconds(90);
        _provider.Fail(Failures.RateLimited(TimeSpan.FromSeconds(50))).Fail(Failures.RateLimited(TimeSpan.FromSeconds(50)));

        LlmException exception = await Assert.ThrowsAsync<LlmException>(() => RunAsync(client => client.GetResponseAsync("hi", null, Token)));

        Assert.Equal(LlmError.RateLimited, exception.Error);
        Assert.Equal(TimeSpan.FromSeconds(50), Elapsed);
        Assert.Equal(2, _provider.Calls.Count);
    }

    [Fact]
    public async Task GetResponseAsync_WhatRetryingCannotMend_IsTriedOnce()
    {
        foreach (LlmException failure in (LlmException[])
            [Failures.QuotaExhausted(), Failures.KeyInvalid(), Failures.Rejected(), LlmException.LocalLimit("calls", TimeSpan.FromSeconds(1))])
        {
            var provider = new ScriptedChatClient(_clock).Fail(failure);
            LlmException exception = await Assert.ThrowsAsync<LlmException>(
                () => RunAsync(client => client.GetResponseAsync("hi", null, Token), provider: provider));
            Assert.Same(failure, exception);
            Assert.Single(provider.Calls);
        }

        Assert.Equal(TimeSpan.Zero, Elapsed);
    }

    [Fact]
    public async Task GetResponseAsync_MaxRetriesZero_TriesOnce()
    {
        _options.MaxRetries = 0;
        _provider.Fail(Failures.Unavailable());
        await Assert.ThrowsAsync<LlmException>(() => RunAsync(client => client.GetResponseAsync("hi", null, Token)));
        Assert.Single(_provider.Calls);
    }

    [Fact]
    public async Task GetResponseAsync_Silence_TimesOutAtTheAttemptLimitAndIsNotPaidForAgain()
    {
        _provider.Hang().Answer("second try");

        LlmException exception = await Assert.ThrowsAsync<LlmException>(() => RunAsync(client => client.GetResponseAsync("hi", null, Token)));

        Assert.Equal(LlmError.TimedOut, exception.Error);
        Assert.Single(_provider.Calls);
        Assert.Equal(TimeSpan.FromMinutes(1), Elapsed);
        Assert.Equal("Provider 'gemini' did not answer within 60 s. Try again, or raise Coach:Llm:Requests:AttemptTimeout.", exception.Message);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_NoFirstToken_TimesOutAtItsLimitAndIsNotPaidForAgain()
    {
        _options.FirstTokenTimeout = TimeSpan.FromSeconds(30);
        _provider.Hang().Answer("second try");

        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token))));

        Assert.Equal(LlmError.TimedOut, exception.Error);
        Assert.Single(_provider.Calls);
        Assert.Equal(TimeSpan.FromSeconds(30), Elapsed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_ThatAsksForEffort_MayBeSilentForTenMinutes(bool isStream)
    {
        _provider.Hang();
        var options = new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } };

        LlmException exception = await Assert.ThrowsAsync<LlmException>(() => RunAsync<object>(async client => isStream
            ? await TextAsync(client.GetStreamingResponseAsync("hi", options, Token))
            : await client.GetResponseAsync("hi", options, Token)));

        Assert.Contains("ReasoningTimeout", exception.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(10), Elapsed);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_SilenceInTheMiddle_TimesOutAtTheIdleLimitAndIsNotRetried()
    {
        _provider.Hang(after: "the beginning");
        var seen = new List<string>();

        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token), seen)));

        Assert.Equal(LlmError.TimedOut, exception.Error);
        Assert.Contains("Coach:Llm:Requests:IdleTimeout", exception.Message, StringComparison.Ordinal);
        Assert.Equal("the beginning", string.Concat(seen));
        Assert.Single(_provider.Calls);
        Assert.Equal(TimeSpan.FromSeconds(60), Elapsed);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_FailureAfterTheFirstToken_IsNotRetried()
    {
        _provider.Fail(LlmException.StreamInterrupted("gemini"), after: "half an");

        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token))));

        Assert.Equal(LlmError.StreamInterrupted, exception.Error);
        Assert.Single(_provider.Calls);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_SlowButSteady_OutlivesTheTotalAndEndsAtTheLimitOfStreams()
    {
        (_options.TotalTimeout, _options.StreamTimeout) = (TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(170));
        var drip = new DrippingClient(_clock, TimeSpan.FromSeconds(30));

        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => RunAsync(client => TextAsync(client.GetStreamingResponseAsync("hi", null, Token)), provider: drip));

        Assert.Equal(LlmError.TimedOut, exception.Error);
        Assert.Contains("StreamTimeout", exception.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(170), Elapsed); // from the first token, which came at once
    }

    [Fact]
    public async Task GetResponseAsync_CancelledWhileWaitingForARetry_IsACancellation()
    {
        _provider.Fail(Failures.Unavailable());
        using var cancel = new CancellationTokenSource();
        Task<ChatResponse> answer = Client(_provider).GetResponseAsync("hi", null, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    private TimeSpan Elapsed => _clock.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private ResiliencePolicy Policy(KeyOwnership keyClass, Random? random = null)
    {
        ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        var telemetry = new LlmTelemetry(new MeterSource(LlmMeter.Name, services.GetService<IMeterFactory>()), new LlmTelemetryOptions());
        return new ResiliencePolicy("gemini", keyClass, _options, new ResilienceServices(
            _clock, new JitterSource(random ?? new FixedRandom(0.5)), telemetry, NullLogger.Instance));
    }

    private IChatClient Client(IChatClient provider, ResiliencePolicy? policy = null, Random? random = null) =>
        new ResilientChatClient(provider, policy ?? Policy(KeyOwnership.User, random), OneKey);

    private async Task<T> RunAsync<T>(Func<IChatClient, Task<T>> call, IChatClient? provider = null, Random? random = null)
    {
        Task<T> task = Task.Run(() => call(Client(provider ?? _provider, random: random)), Token); // all of it on the pool, where the clock sees it work
        await _clock.RunUntilAsync(task);
        return await task;
    }

    private static async Task<string> TextAsync(IAsyncEnumerable<ChatResponseUpdate> updates, List<string>? seen = null)
    {
        seen ??= [];
        await foreach (ChatResponseUpdate update in updates)
        {
            seen.Add(update.Text);
        }

        return string.Concat(seen);
    }

    private sealed class FixedRandom(double value) : Random
    {
        public override double NextDouble() => value;
    }

    /// <summary>Shows at fixed times that it is at work, and answers after the last of them.</summary>
    private sealed class AtWorkClient(TimeProvider time, int keepAlives, TimeSpan pause, TimeSpan? last = null) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            for (int i = 0; i < keepAlives; i++)
            {
                await Task.Delay(pause, time, cancellationToken);
                yield return KeepAlive.Update;
            }

            await Task.Delay(last ?? pause, time, cancellationToken);
            yield return new ChatResponseUpdate(ChatRole.Assistant, "at ");
            yield return KeepAlive.Update;
            yield return new ChatResponseUpdate(ChatRole.Assistant, "last");
        }

        public object? GetService(Type serviceType, object? serviceKey) => null;

        public void Dispose()
        {
        }
    }

    private sealed class DrippingClient(TimeProvider time, TimeSpan pause) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            while (true)
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, "drip ");
                await Task.Delay(pause, time, cancellationToken);
            }
        }

        public object? GetService(Type serviceType, object? serviceKey) => null;

        public void Dispose()
        {
        }
    }

    [Fact]
    public async Task Circuit_FiveFailures_RefusesThenLetsOneTry()
    {
        _options.MaxRetries = 0;
        _provider.Fail(Failures.Unavailable());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        IChatClient client = Client(_provider, policy);
        for (int i = 0; i < 5; i++)
        {
            Assert.False(policy.IsOpenFor(OneKey));
            await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        }

        Assert.True(policy.IsOpenFor(OneKey));
        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.Unavailable, refused.Error);
        Assert.Equal("Provider 'gemini' failed repeatedly, so it is left alone for 30 s. Try again then, or use another provider.", refused.Message);
        Assert.Equal(5, _provider.Calls.Count);

        _clock.Advance(TimeSpan.FromSeconds(30));
        _provider.Answer("back");
        Assert.Equal("back", (await client.GetResponseAsync("hi", null, Token)).Text);
        Assert.False(policy.IsOpenFor(OneKey));
    }

    [Fact]
    public async Task Circuit_CircuitBreak_IsHowLongCallsAreRefused()
    {
        (_options.MaxRetries, _options.CircuitMinimumCalls, _options.CircuitBreak) = (0, 2, TimeSpan.FromMinutes(5));
        _provider.Fail(Failures.Unavailable());
        IChatClient client = Client(_provider, Policy(KeyOwnership.User));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        _provider.Answer("back");

        _clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(2, _provider.Calls.Count);

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("back", (await client.GetResponseAsync("hi", null, Token)).Text);
    }

    [Fact]
    public async Task GetResponseAsync_MaxRetryDelay_BoundsTheDoubledWaits()
    {
        (_options.RetryDelay, _options.MaxRetryDelay) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(15));
        _provider.Fail(Failures.Unavailable()).Fail(Failures.Unavailable()).Fail(Failures.Unavailable()).Answer("at last");
        await RunAsync(client => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(TimeSpan.FromSeconds(10 + 15 + 15), Elapsed);
    }

    [Fact]
    public async Task Circuit_RateLimits_OpenItForThePlatformsKeyOnly()
    {
        _options.MaxRetries = 0;
        _provider.Fail(Failures.RateLimited());
        ResiliencePolicy users = Policy(KeyOwnership.User);
        ResiliencePolicy platform = Policy(KeyOwnership.Platform);
        for (int i = 0; i < 10; i++)
        {
            await Assert.ThrowsAsync<LlmException>(() => Client(_provider, users).GetResponseAsync("hi", null, Token));
            await Assert.ThrowsAsync<LlmException>(() => Client(_provider, platform).GetResponseAsync("hi", null, Token));
        }

        Assert.False(users.IsOpenFor(OneKey));
        Assert.True(platform.IsOpenFor(OneKey));
    }

    [Fact]
    public async Task Circuit_RefusedKeys_NeverOpenIt()
    {
        _provider.Fail(Failures.KeyInvalid());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        for (int i = 0; i < 20; i++)
        {
            await Assert.ThrowsAsync<LlmException>(() => Client(_provider, policy).GetResponseAsync("hi", null, Token));
        }

        Assert.False(policy.IsOpenFor(OneKey));
    }

    [Theory]
    [InlineData(2, 0.5, "FF", true)]
    [InlineData(2, 0.5, "F", false)]
    [InlineData(5, 0.5, "FFFF", false)]
    [InlineData(5, 0.5, "FFFFF", true)]
    [InlineData(5, 0.5, "OOFFF", true)]
    [InlineData(5, 0.5, "OOOFF", false)]
    [InlineData(4, 0.5, "OFOF", true)]
    [InlineData(4, 1.0, "OFFFFFFF", false)]
    [InlineData(4, 1.0, "FFFF", true)]
    [InlineData(4, 0.01, "OOOF", true)]
    [InlineData(0, 0.01, "FFFFFFFFFFFFFFFFFFFF", false)]
    public async Task Circuit_AtItsLimits_OpensExactlyThere(int minimumCalls, double ratio, string outcomes, bool isOpen)
    {
        _options.MaxRetries = 0;
        (_options.CircuitMinimumCalls, _options.CircuitFailureRatio) = (minimumCalls, ratio);
        foreach (char outcome in outcomes)
        {
            _ = outcome == 'F' ? _provider.Fail(Failures.Unavailable()) : _provider.Answer("ok");
        }

        ResiliencePolicy policy = Policy(KeyOwnership.User);
        foreach (char outcome in outcomes)
        {
            Assert.False(policy.IsOpenFor(OneKey));
            Task<ChatResponse> call = Client(_provider, policy).GetResponseAsync("hi", null, Token);
            Assert.Equal(outcome == 'F', await Record.ExceptionAsync(() => call) is LlmException);
        }

        Assert.Equal(isOpen, policy.IsOpenFor(OneKey));
    }

    [Fact]
    public async Task Circuit_OneCallThatFailsWithAllItsRetries_IsOneFailureAndShutsNobodyOut()
    {
        _provider.Answer("ok").Fail(Failures.Unavailable()).Fail(Failures.Unavailable()).Fail(Failures.Unavailable()).Fail(Failures.Unavailable())
            .Fail(Failures.KeyInvalid());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        Assert.Equal("ok", (await Client(_provider, policy).GetResponseAsync("hi", null, Token)).Text);
        Assert.Equal(LlmError.Unavailable, (await FailureAsync(policy)).Error);
        Assert.Equal(5, _provider.Calls.Count);

        Assert.False(policy.IsOpenFor(OneKey));
        Assert.Equal(LlmError.KeyInvalid, (await FailureAsync(policy)).Error);
    }

    [Fact]
    public async Task Circuit_CallsThatFailWithTheirRetries_OpenItWithTheFewestCalls()
    {
        _options.CircuitMinimumCalls = 3;
        _provider.Fail(Failures.Unavailable());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        for (int i = 0; i < 3; i++)
        {
            Assert.False(policy.IsOpenFor(OneKey));
            await FailureAsync(policy);
        }

        Assert.True(policy.IsOpenFor(OneKey));
        Assert.Equal(12, _provider.Calls.Count);
    }

    [Fact]
    public async Task Circuit_CallsThatSpendTheirTotalTime_CountAsFailures()
    {
        (_options.TotalTimeout, _options.CircuitMinimumCalls) = (TimeSpan.FromSeconds(5), 2);
        _provider.Hang();
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        Assert.Equal(LlmError.TimedOut, (await FailureAsync(policy)).Error);
        Assert.False(policy.IsOpenFor(OneKey));
        Assert.Equal(LlmError.TimedOut, (await FailureAsync(policy)).Error);
        Assert.True(policy.IsOpenFor(OneKey));
    }

    [Fact]
    public async Task Circuit_CallsThatTheirCallersCancel_DoNotCountAsFailures()
    {
        _options.CircuitMinimumCalls = 2;
        _provider.Hang();
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        for (int i = 0; i < 4; i++)
        {
            using var cancel = new CancellationTokenSource();
            Task<ChatResponse> answer = Client(_provider, policy).GetResponseAsync("hi", null, cancel.Token);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        }

        Assert.False(policy.IsOpenFor(OneKey));
    }

    [Fact]
    public async Task Circuit_FailuresOlderThanThirtySeconds_DoNotCount()
    {
        _options.MaxRetries = 0;
        _provider.Fail(Failures.Unavailable());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        for (int i = 0; i < 20; i++)
        {
            await Assert.ThrowsAsync<LlmException>(() => Client(_provider, policy).GetResponseAsync("hi", null, Token));
            _clock.Advance(TimeSpan.FromSeconds(10));
            Assert.False(policy.IsOpenFor(OneKey));
        }
    }

    [Fact]
    public async Task Circuit_TrialCallFails_RefusesForAnotherBreak()
    {
        (_options.MaxRetries, _options.CircuitMinimumCalls) = (0, 2);
        _provider.Fail(Failures.Unavailable());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        IChatClient client = Client(_provider, policy);
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        _clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(3, _provider.Calls.Count);
        await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(3, _provider.Calls.Count);
    }

    private Task<LlmException> FailureAsync(ResiliencePolicy policy) => Assert.ThrowsAsync<LlmException>(async () =>
    {
        Task<ChatResponse> call = Task.Run(() => Client(_provider, policy).GetResponseAsync("hi", null, Token), Token);
        await _clock.RunUntilAsync(call);
        await call;
    });

    [Fact]
    public void For_KeysOfUsersAndTheHost_AreToldApartByTheSecretSource()
    {
        var secrets = new Dictionary<string, string?>
        {
            ["GEMINI_API_KEY"] = "hosts-gemini",
            ["OPENAI_API_KEY"] = "hosts-openai",
            ["ANTHROPIC_API_KEY"] = "hosts-anthropic",
            ["OPENROUTER_API_KEY"] = "hosts-openrouter",
            ["CARTESIA_API_KEY"] = "hosts-cartesia",
        };
        using ServiceProvider services = LlmHost.Build(clock: _clock, settings: secrets);
        var policies = services.GetRequiredService<ProviderResilience>();
        foreach (string provider in (string[])[ProviderNames.Gemini, ProviderNames.OpenAI, ProviderNames.Anthropic, ProviderNames.OpenRouter, ProviderNames.Cartesia])
        {
            ResiliencePolicy hosts = policies.For(provider, LlmHost.Key(provider, $"hosts-{provider}"));
            ResiliencePolicy users = policies.For(provider, LlmHost.Key(provider, "a-users-own-key"));
            Assert.Equal((KeyOwnership.Platform, KeyOwnership.User), (hosts.KeyOwnership, users.KeyOwnership));
            Assert.NotSame(hosts, users);
            Assert.Same(users, policies.For(provider, LlmHost.Key(provider, "another-users-key")));
        }

        // The host's key for one provider is just somebody's key at another.
        Assert.Equal(KeyOwnership.User, policies.For(ProviderNames.OpenAI, LlmHost.Key(ProviderNames.OpenAI, "hosts-gemini")).KeyOwnership);
        Assert.Equal(KeyOwnership.User, policies.For(ProviderNames.OpenAICompatible, LlmHost.Key(ProviderNames.OpenAICompatible, "hosts-openai")).KeyOwnership);
    }
}
