using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests.Validation;

/// <summary>What is remembered, shared and counted.</summary>
public sealed partial class ApiKeyValidatorTests
{
    [Fact]
    public async Task ValidateAsync_AskedAgainSoon_IsRememberedPerTenant()
    {
        var network = StubHandler.Always(() => StubHandler.Response(200, """{"models":[]}"""));
        IApiKeyValidator validator = Build(network);

        Assert.False((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
        Assert.True((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
        Assert.False((await validator.ValidateAsync(Key, "tenant-b", Token)).IsCached);
        Assert.False((await validator.ValidateAsync(Key, Token)).IsCached);
        Assert.False((await validator.ValidateAsync(Key, "*", Token)).IsCached);
        Assert.False((await validator.ValidateAsync(LlmHost.Key("gemini", "another"), "tenant-a", Token)).IsCached);
        Assert.Equal(5, network.Requests.Count);
        _clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Assert.True((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.False((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(529)]
    [InlineData(404)]
    [InlineData(451)]
    public async Task ValidateAsync_OutcomeSaysNothingAboutTheKey_IsNotRemembered(int status)
    {
        var network = StubHandler.Always(() => StubHandler.Response(status, ""));
        IApiKeyValidator validator = Build(network);
        await validator.ValidateAsync(Key, Token);
        await validator.ValidateAsync(Key, Token);

        Assert.Equal(2, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_RateLimited_IsRememberedAsLongAsTheProviderSays()
    {
        var network = StubHandler.Always(() => StubHandler.Response(429, "", headers: [("retry-after", "20")]));
        IApiKeyValidator validator = Build(network);
        await validator.ValidateAsync(Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(15), (await validator.ValidateAsync(Key, Token)).RetryAfter);
        _clock.Advance(TimeSpan.FromSeconds(15));
        await validator.ValidateAsync(Key, Token);

        Assert.Equal(2, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_MoreOutcomesThanRemembered_DropsTheOldest()
    {
        var network = StubHandler.Always(() => StubHandler.Response(401, ""));
        IApiKeyValidator validator = Build(network, o => o.Validation.CacheCapacity = 2);
        foreach (string key in (string[])["a", "b", "c", "c", "b", "a"])
        {
            await validator.ValidateAsync(LlmHost.Key("gemini", key), Token);
        }

        Assert.Equal(4, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_ManyCallersAtOnce_AskOnceAndOneThatLeavesDisturbsNobody()
    {
        var gate = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var network = new StubHandler((_, cancellationToken) => gate.Task.WaitAsync(cancellationToken));
        IApiKeyValidator validator = Build(network);
        using var leaving = new CancellationTokenSource();
        Task<KeyValidation> first = validator.ValidateAsync(Key, leaving.Token);
        Task<KeyValidation>[] others = [.. Enumerable.Range(0, 20).Select(_ => validator.ValidateAsync(Key, Token))];
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.SetResult(StubHandler.Response(200, """{"models":[]}"""));

        Assert.All(await Task.WhenAll(others), outcome => Assert.Equal(KeyStatus.Valid, outcome.Status));
        Assert.Single(network.Requests);
    }

    [Fact]
    public async Task ValidateAsync_AllCallersLeave_CancelsTheRequestAndTheNextStartsAnew()
    {
        CancellationToken seen = default;
        var network = new StubHandler(async (_, cancellationToken) =>
        {
            seen = cancellationToken;
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return new HttpResponseMessage();
        });
        IApiKeyValidator validator = Build(network);
        using var leaving = new CancellationTokenSource();
        Task<KeyValidation> only = validator.ValidateAsync(Key, leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => only);
        Assert.True(seen.IsCancellationRequested);
        Task<KeyValidation> next = validator.ValidateAsync(Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(KeyStatus.TimedOut, (await next).Status);
    }

    [Fact]
    public async Task ValidateAsync_WrongTenant_IsTheCallersMistake()
    {
        IApiKeyValidator validator = Build(StubHandler.Always(() => new()));
        await Assert.ThrowsAsync<ArgumentException>(() => validator.ValidateAsync(Key, "", Token));
        await Assert.ThrowsAsync<ArgumentException>(() => validator.ValidateAsync(Key, new string('t', 257), Token));
    }

    [Fact]
    public async Task ValidateAsync_EachOutcome_IsCountedOnce()
    {
        var counted = new List<(string, string)>();
        IApiKeyValidator validator = Build(StubHandler.Always(() => StubHandler.Response(429, "")));
        IMeterFactory factory = _hosts[^1].GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.llm.key_validations" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => counted.Add(((string)tags[0].Value!, (string)tags[1].Value!)));
        listener.Start();
        await validator.ValidateAsync(Key, Token);
        await validator.ValidateAsync(LlmHost.Key("gemini", "a b"), Token);
        await validator.ValidateAsync(null, Token);
        foreach (string? nothing in (string?[])[null, "", " \t"])
        {
            KeyValidation missing = await validator.ValidateAsync(" Gemini ", nothing, "tenant", Token);
            Assert.Equal((KeyStatus.Missing, "gemini"), (missing.Status, missing.Provider));
        }

        Assert.Equal(KeyStatus.Malformed, (await validator.ValidateAsync("openai", "a b", "tenant", Token)).Status);
        Assert.Equal(
            [("gemini", "rate_limited"), ("gemini", "malformed"), ("none", "missing"), ("gemini", "missing"), ("gemini", "missing"), ("gemini", "missing"), ("openai", "malformed")],
            counted);
    }
}
