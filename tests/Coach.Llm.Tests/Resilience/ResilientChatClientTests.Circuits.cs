using System.Diagnostics.Metrics;
using Coach.Llm.Core;
using Coach.Llm.Resilience;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Tests;

/// <summary>The circuit of a provider and key class.</summary>
public sealed partial class ResilientChatClientTests
{
    [Fact]
    public async Task Circuit_FiveFailures_RefusesThenLetsOneTry()
    {
        _options.MaxRetries = 0;
        _provider.Fail(Failures.Unavailable());
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        IChatClient client = Client(_provider, policy);
        for (int i = 0; i < 5; i++)
        {
            Assert.False(policy.IsOpen);
            await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        }

        Assert.True(policy.IsOpen);
        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.Unavailable, refused.Error);
        Assert.Equal("Provider 'gemini' failed repeatedly, so it is left alone for 30 s. Try again then, or use another provider.", refused.Message);
        Assert.Equal(5, _provider.Calls.Count);

        _clock.Advance(TimeSpan.FromSeconds(30));
        _provider.Answer("back");
        Assert.Equal("back", (await client.GetResponseAsync("hi", null, Token)).Text);
        Assert.False(policy.IsOpen);
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

        Assert.False(users.IsOpen);
        Assert.True(platform.IsOpen);
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

        Assert.False(policy.IsOpen);
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
            Assert.False(policy.IsOpen);
            Task<ChatResponse> call = Client(_provider, policy).GetResponseAsync("hi", null, Token);
            Assert.Equal(outcome == 'F', await Record.ExceptionAsync(() => call) is LlmException);
        }

        Assert.Equal(isOpen, policy.IsOpen);
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

        Assert.False(policy.IsOpen);
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
            Assert.False(policy.IsOpen);
            await FailureAsync(policy);
        }

        Assert.True(policy.IsOpen);
        Assert.Equal(12, _provider.Calls.Count);
    }

    [Fact]
    public async Task Circuit_CallsThatSpendTheirTotalTime_CountAsFailures()
    {
        (_options.TotalTimeout, _options.CircuitMinimumCalls) = (TimeSpan.FromSeconds(5), 2);
        _provider.Hang();
        ResiliencePolicy policy = Policy(KeyOwnership.User);
        Assert.Equal(LlmError.TimedOut, (await FailureAsync(policy)).Error);
        Assert.False(policy.IsOpen);
        Assert.Equal(LlmError.TimedOut, (await FailureAsync(policy)).Error);
        Assert.True(policy.IsOpen);
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

        Assert.False(policy.IsOpen);
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
            Assert.False(policy.IsOpen);
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
