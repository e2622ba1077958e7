using System.Collections.Concurrent;
using System.Diagnostics;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>The life of a key at each of the six providers, through the public API, against one fake.</summary>
public sealed class SixProvidersTests
{
    public static TheoryData<string> Providers => [.. ProviderNames.All];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Providers))]
    public async Task Session_KeyChatRotateRemove_UsesEachKeyWhileItHoldsAndNoneAfter(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Cartesia.Voice = "voice-1");
        var validator = host.Services.GetRequiredService<IApiKeyValidator>();
        var keys = host.Services.GetRequiredService<ISessionKeyStore>();
        var clients = host.Services.GetRequiredService<ISessionClientRegistry>();
        SessionId session = SessionId.From("session-1");
        string[] secrets = [$"sk-first-{provider}-0001", $"sk-second-{provider}-0002"];

        Assert.Equal(KeyStatus.Invalid, (await validator.ValidateAsync(new ApiKey(provider, Secret.From("sk-unknown-0000")), Token)).Status);
        foreach (string secret in secrets)
        {
            host.Fake.SetKey(provider, secret);
            var key = new ApiKey(provider, Secret.From(secret));
            (await validator.ValidateAsync(key, Token)).EnsureValid();
            await keys.SetAsync(session, key, Token);
            ApiKey stored = (await keys.GetAsync(session, provider, Token))!;
            int before = host.Fake.ReceivedRequests;
            await UseAsync(clients, session, stored, provider);
            Assert.All(host.Fake.Requests.Skip(before), request => Assert.Equal(secret, request.Key));
            Assert.True(host.Fake.ReceivedRequests > before);
        }

        await keys.RemoveAsync(session, provider, Token);
        await clients.RemoveAsync(session, Token);
        Assert.Null(await keys.GetAsync(session, provider, Token));
        Assert.Equal(0, clients.SessionCount);
        Assert.All(host.Fake.Requests, request =>
            Assert.Equal(KeyLocation.None, request.KeyLocation & (KeyLocation.Url | KeyLocation.Body | KeyLocation.OtherHeader)));
    }

    [Fact]
    public async Task Sessions_TenWithTenKeys_ThousandInterleavedCallsEachCarryTheirOwnKey()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options =>
        {
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
            options.Limits.ConcurrentCallsPerSession = 0;
        });
        string[] providers = ProviderHost.ChatProviders;
        foreach (string provider in providers)
        {
            host.Fake.AnswerAlways(provider, request => ScriptedAnswer.Text($"echo {request.Key}"));
            for (int i = 0; i < 10; i++)
            {
                host.Fake.SetKey(provider, Key(i));
            }
        }

        var clients = host.Services.GetRequiredService<ISessionClientRegistry>();
        var wrong = new ConcurrentBag<string>();
        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Token }, async (call, token) =>
        {
            int who = call % 10;
            string provider = providers[call / 10 % providers.Length];
            using ClientLease<IChatClient> lease = await clients.AcquireAsync<IChatClient>(
                SessionId.From($"session-{who}"), new ApiKey(provider, Secret.From(Key(who))), token);
            string text = (await lease.Client.GetStreamingResponseAsync($"I am {who}", null, token).ToListAsync(token)).ToChatResponse().Text;
            if (text != $"echo {Key(who)}")
            {
                wrong.Add(text);
            }
        });

        Assert.Empty(wrong);
        Assert.Equal(1000, host.Fake.ReceivedRequests);
        Assert.All(host.Fake.Requests, request => Assert.Contains($"I am {request.Key![^1]}", request.Body, StringComparison.Ordinal));

        static string Key(int who) => $"key-of-session-number-{who}";
    }

    private static async Task UseAsync(ISessionClientRegistry clients, SessionId session, ApiKey key, string provider)
    {
        if (provider == ProviderNames.Cartesia)
        {
            using ClientLease<ISpeechSynthesizer> speech = await clients.AcquireAsync<ISpeechSynthesizer>(session, key, Token);
            SpeechAnswer spoken = await speech.Client.SynthesizeAsync("Good morning", cancellationToken: Token);
            Assert.False(spoken.IsTextOnly);
            Assert.Equal("audio/wav", spoken.ContentType);
            return;
        }

        using ClientLease<IChatClient> chat = await clients.AcquireAsync<IChatClient>(session, key, Token);
        ChatResponse response = await chat.Client.GetResponseAsync("Hi", null, Token);
        Assert.Equal($"This is the fake {provider}.", response.Text);
    }
}
