using System.Net;
using Coach.Abstractions;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

[Collection(nameof(VirtualTime))]
public sealed class KeyQuestionRetryTests
{
    private const string Key = "a-key-of-this-test-0001";

    private readonly VirtualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(3, 4)]
    public async Task Question_ThatMeetsAnOverload_IsAskedAgainAsOftenAsIsSet(int attempts, int requests)
    {
        StubHandler server = StubHandler.Always(() => StubHandler.Response(503, """{"error":{"message":"Overloaded"}}"""));
        KeyValidation outcome = await ValidateAsync(server, attempts);
        Assert.Equal((KeyStatus.Unavailable, requests), (outcome.Status, server.Requests.Count));
    }

    [Fact]
    public async Task Question_ThatMeetsNoConnectionAndALimit_IsAnsweredAfterTheWaitsAskedFor()
    {
        int asked = 0;
        var server = new StubHandler((_, _) => ++asked switch
        {
            1 => throw new HttpRequestException("refused"),
            2 => Task.FromResult(StubHandler.Response(429, """{"error":{"message":"Slow down"}}""", headers: [("Retry-After", "2")])),
            _ => Task.FromResult(StubHandler.Response(200, """{"data":[{"id":"gpt-6-luna","object":"model"}]}""")),
        });
        KeyValidation outcome = await ValidateAsync(server, attempts: 2, delay: TimeSpan.Zero);
        Assert.Equal((KeyStatus.Valid, 3), (outcome.Status, asked));
        Assert.Equal(TimeSpan.FromSeconds(2), Elapsed);
    }

    [Theory]
    [InlineData(429, "3")]
    [InlineData(401, null)]
    [InlineData(403, null)]
    [InlineData(404, null)]
    public async Task Question_ThatIsAnsweredForGoodOrAskedToWaitLonger_IsNotAskedAgain(int status, string? wait)
    {
        StubHandler server = StubHandler.Always(() => StubHandler.Response(
            status, """{"error":{"message":"No","type":"x","code":"y"}}""", headers: wait is null ? [] : [("Retry-After", wait)]));
        await ValidateAsync(server, attempts: 5);
        Assert.Single(server.Requests.Where(request => request.Method == "GET").Select(request => request.Address).Distinct());
        Assert.Equal(TimeSpan.Zero, Elapsed);
    }

    [Fact]
    public async Task Question_WhoseRepetitionsTakeTooLong_TimesOutInAll()
    {
        StubHandler server = StubHandler.Always(() => StubHandler.Response(503, "", headers: [("Retry-After", "2")]));
        KeyValidation outcome = await ValidateAsync(server, attempts: 5);
        Assert.Equal((KeyStatus.TimedOut, 5), (outcome.Status, server.Requests.Count)); // at 0, 2, 4, 6 and 8 of 10 s
        Assert.Equal(TimeSpan.FromSeconds(10), Elapsed);
    }

    /// <summary>A call has its own retries; these do not come on top.</summary>
    [Fact]
    public async Task Call_OfAChat_IsNotRepeatedBelowItsOwnRetries()
    {
        StubHandler server = StubHandler.Always(() => StubHandler.Response(503, """{"error":{"message":"Overloaded"}}"""));
        using ServiceProvider services = Build(server, attempts: 5, delay: null);
        IChatClient client = services.GetRequiredService<ProviderClients>()
            .CreateChat(ProviderNames.OpenAI, SessionId.From("one"), LlmHost.Key(ProviderNames.OpenAI, Key));
        await _clock.RunUntilAsync(Task.Run(
            () => Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("hi", null, Token)), Token));
        Assert.Equal(4, server.Requests.Count);
    }

    private TimeSpan Elapsed => _clock.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private ServiceProvider Build(HttpMessageHandler server, int attempts, TimeSpan? delay) => LlmHost.Build(
        server, _clock, settings: new()
        {
            ["Coach:Llm:Validation:Retry:MaxRetryAttempts"] = $"{attempts}",
            ["Coach:Llm:Validation:Retry:Delay"] = delay?.ToString(),
        });

    private async Task<KeyValidation> ValidateAsync(HttpMessageHandler server, int attempts, TimeSpan? delay = null)
    {
        using ServiceProvider services = Build(server, attempts, delay);
        Task<KeyValidation> validation = Task.Run(
            () => services.GetRequiredService<IApiKeyValidator>().ValidateAsync(LlmHost.Key(ProviderNames.OpenAI, Key), Token), Token);
        await _clock.RunUntilAsync(validation);
        return await validation;
    }
}
