using System.Net;
using Coach.Abstractions;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Coach.TestKit;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Polly;

namespace Coach.Llm.Tests;

[Collection(nameof(VirtualTime))]
public sealed class CoachLlmServiceCollectionExtensionsTests
{
    private static readonly byte[] Overloaded = """{"error":{"message":"Overloaded","type":"server_error"}}"""u8.ToArray();

    private readonly VirtualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>As Aspire's service defaults do it: with their retries on top, one failing call made 16 requests.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task HttpClient_OfAHostWhoseDefaultsAreResilient_IsRetriedByOneLayerAlone(bool isBefore, bool isStream)
    {
        using var network = new ScriptedHttpHandler();
        network.Answer(HttpStatusCode.ServiceUnavailable, Overloaded);
        var seen = new Counted();
        using ServiceProvider services = Build(network, isBefore, defaults =>
        {
            defaults.AddStandardResilienceHandler();
            defaults.AddHttpMessageHandler(() => new CountingHandler(seen));
        });

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream));

        Assert.Equal(LlmError.Unavailable, failure.Error);
        Assert.Equal(1 + new LlmRequestOptions().MaxRetries, network.Requests);
        Assert.Equal(network.Requests, seen.Requests); // the other handlers of the host's stay
    }

    [Fact]
    public async Task HttpClient_OfAHostWhoseDefaultsHedge_SendsEachRequestOnce()
    {
        using var network = new ScriptedHttpHandler();
        network.Answer(HttpStatusCode.ServiceUnavailable, Overloaded);
        using ServiceProvider services = Build(network, isBefore: false, defaults => defaults.AddStandardHedgingHandler());
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream: true));
        Assert.Equal((LlmError.Unavailable, 4), (failure.Error, network.Requests));
    }

    [Fact]
    public async Task HttpClient_OfAHostWhoseDefaultsCutOffSoon_WaitsAsLongAsCoachDoes()
    {
        using var network = new ScriptedHttpHandler();
        network.Hang();
        using ServiceProvider services = Build(network, isBefore: false, defaults =>
            defaults.AddResilienceHandler("soon", pipeline => pipeline.AddTimeout(TimeSpan.FromMilliseconds(20))));
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream: false));
        Assert.Equal((LlmError.TimedOut, 1), (failure.Error, network.Requests));
        Assert.Equal(TimeSpan.FromSeconds(60), _clock.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    /// <summary>What the host puts on this client itself is its own word.</summary>
    [Fact]
    public async Task HttpClient_GivenAResilienceHandlerByName_KeepsIt()
    {
        using var network = new ScriptedHttpHandler();
        network.Answer(HttpStatusCode.ServiceUnavailable, Overloaded);
        int runs = 0;
        using ServiceProvider services = Build(network, isBefore: false, _ => { }, builder =>
            builder.HttpClient.AddResilienceHandler("own", pipeline => pipeline.AddRetry(new()
            {
                MaxRetryAttempts = 1,
                Delay = TimeSpan.Zero,
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result?.StatusCode == HttpStatusCode.ServiceUnavailable && ++runs > 0),
            })));
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(services, isStream: false));
        Assert.Equal((8, 8), (network.Requests, runs));
    }

    private ServiceProvider Build(
        HttpMessageHandler network, bool isBefore, Action<IHttpClientBuilder> defaults, Action<CoachLlmBuilder>? configure = null) => new TestHost(
        services =>
        {
            if (isBefore)
            {
                services.ConfigureHttpClientDefaults(defaults);
            }

            CoachLlmBuilder builder = services.AddCoachLlm();
            builder.HttpClient.ConfigurePrimaryHttpMessageHandler(() => network);
            configure?.Invoke(builder);
            if (!isBefore)
            {
                services.ConfigureHttpClientDefaults(defaults);
            }
        },
        _clock).Services;

    private async Task<string> AskAsync(ServiceProvider services, bool isStream)
    {
        IChatClient client = services.GetRequiredService<ProviderClients>()
            .CreateChat(ProviderNames.Anthropic, SessionId.From("one"), LlmHost.Key(ProviderNames.Anthropic, "a-key-of-this-test-0001"));
        Task<string> answer = Task.Run(
            async () => isStream
                ? (await client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token)).Text
                : (await client.GetResponseAsync("hi", null, Token)).Text,
            Token);
        await _clock.RunUntilAsync(answer);
        return await answer;
    }

    private sealed class Counted
    {
        public int Requests { get; set; }
    }

    private sealed class CountingHandler(Counted counted) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            counted.Requests++;
            return base.SendAsync(request, cancellationToken);
        }
    }
}
