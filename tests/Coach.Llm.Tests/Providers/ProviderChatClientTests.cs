using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>What holds for the chat client of every provider.</summary>
public sealed class ProviderChatClientTests
{
    public static TheoryData<string> Providers => [.. ProviderHost.ChatProviders];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Providers))]
    public async Task GetStreamingResponseAsync_TextAnswer_StreamsEveryWordThenUsage(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Answer(provider, ScriptedAnswer.Text("Hello wörld, \"quoted\" – 🎯 done.").WithUsage(20, 9, thoughts: 4, cached: 5));

        List<ChatResponseUpdate> updates = await host.Chat(provider).GetStreamingResponseAsync("Hi", null, Token).ToListAsync(Token);

        ChatResponse response = updates.ToChatResponse();
        Assert.Equal("Hello wörld, \"quoted\" – 🎯 done.", response.Text);
        Assert.True(updates.Count(update => update.Text.Length > 0) >= 5);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(20, response.Usage?.InputTokenCount);
        Assert.Equal(13, response.Usage?.OutputTokenCount);
        Assert.Equal(5, response.Usage?.CachedInputTokenCount);
        Assert.NotNull(response.ResponseId);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetResponseAsync_TextAnswer_EqualsTheStreamedOne(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Answer(provider, ScriptedAnswer.Text("One two three.").WithUsage(20, 9, thoughts: 4, cached: 5));

        ChatResponse response = await host.Chat(provider).GetResponseAsync("Hi", null, Token);

        Assert.Equal("One two three.", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(20, response.Usage?.InputTokenCount);
        Assert.Equal(13, response.Usage?.OutputTokenCount);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetStreamingResponseAsync_AnyCall_CarriesTheKeyInOneHeaderOnly(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();

        await host.Chat(provider, "my-very-own-key-123").GetStreamingResponseAsync("Hi", null, Token).ToListAsync(Token);

        ProviderRequest request = Assert.Single(host.Fake.Requests);
        Assert.Equal("my-very-own-key-123", request.Key);
        Assert.Equal(provider is "gemini" or "anthropic" ? KeyLocation.KeyHeader : KeyLocation.Authorization, request.KeyLocation);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetStreamingResponseAsync_StreamCutAtAnyEvent_IsStreamInterruptedNeverAShortSuccess(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => (options.Requests.MaxRetries, options.Requests.CircuitMinimumCalls) = (0, 0));
        IChatClient chat = host.Chat(provider);
        foreach (Func<int, ProviderFault> fault in (Func<int, ProviderFault>[])[ProviderFault.CutAfter, ProviderFault.EndAfter])
        {
            for (int events = 0; events < 3; events++)
            {
                host.Fake.Answer(provider, ScriptedAnswer.Text("one two three four five six"));
                host.Fake.Fail(provider, fault(events));
                LlmException exception = await Assert.ThrowsAsync<LlmException>(
                    async () => await chat.GetStreamingResponseAsync("Hi", null, Token).ToListAsync(Token));
                Assert.True(exception.Error == LlmError.StreamInterrupted || (events == 0 && exception.Error == LlmError.Unreachable), $"{exception.Error} after {events} events");
                Assert.Equal(provider, exception.Provider);
            }
        }
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetStreamingResponseAsync_ErrorInsideTheStream_IsATypedError(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => (options.Requests.MaxRetries, options.Requests.CircuitMinimumCalls) = (0, 0));
        for (int events = 0; events < 3; events += 2)
        {
            host.Fake.Fail(provider, ProviderFault.ErrorAfter(events));
            LlmException exception = await Assert.ThrowsAsync<LlmException>(
                async () => await host.Chat(provider).GetStreamingResponseAsync("Hi", null, Token).ToListAsync(Token));
            Assert.Equal(LlmError.Unavailable, exception.Error);
        }
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetResponseAsync_GarbageOrPages_IsATypedError(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => (options.Requests.MaxRetries, options.Requests.CircuitMinimumCalls) = (0, 0));
        IChatClient chat = host.Chat(provider);
        foreach (ProviderFault fault in (ProviderFault[])[ProviderFault.Garbage(), ProviderFault.HtmlPage(), ProviderFault.Reset(), ProviderFault.CutAfter(0)])
        {
            host.Fake.Fail(provider, fault);
            LlmException whole = await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync("Hi", null, Token));
            host.Fake.Fail(provider, fault);
            LlmException stream = await Assert.ThrowsAsync<LlmException>(
                async () => await chat.GetStreamingResponseAsync("Hi", null, Token).ToListAsync(Token));
            LlmError[] expected = [LlmError.InvalidResponse, LlmError.Unreachable, LlmError.StreamInterrupted];
            Assert.Contains(whole.Error, expected);
            Assert.Contains(stream.Error, expected);
        }
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetResponseAsync_RefusedKey_NamesTheKeysState(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        IChatClient chat = host.Chat(provider, "key-that-is-refused");
        host.Fake.SetKey(provider, "key-that-is-refused", ProviderKeyState.Invalid);

        LlmException exception = await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync("Hi", null, Token));

        Assert.Equal(LlmError.KeyInvalid, exception.Error);
        Assert.DoesNotContain("key-that-is-refused", exception.ToString(), StringComparison.Ordinal);
        Assert.Single(host.Fake.Requests);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetStreamingResponseAsync_Cancelled_ClosesTheConnectionAtOnce(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Fail(provider, ProviderFault.HangAfter(4));
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate update in host.Chat(provider).GetStreamingResponseAsync("Hi", null, cancel.Token))
            {
                if (update.Text.Length > 0)
                {
                    await cancel.CancelAsync();
                }
            }
        });

        await host.Fake.WaitForAbortsAsync(1, Token);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetStreamingResponseAsync_CallerStopsReading_ClosesTheConnectionAtOnce(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Fail(provider, ProviderFault.HangAfter(4));

        await foreach (ChatResponseUpdate update in host.Chat(provider).GetStreamingResponseAsync("Hi", null, Token))
        {
            if (update.Text.Length > 0)
            {
                break;
            }
        }

        await host.Fake.WaitForAbortsAsync(1, Token);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetResponseAsync_MoreBytesThanTheLimit_IsResponseTooLarge(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options =>
        {
            options.Requests.MaxResponseBytes = 4096;
            options.Requests.MaxEventBytes = 2048;
        });
        string text = string.Join(' ', Enumerable.Repeat("word", 1000));
        host.Fake.AnswerAlways(provider, _ => ScriptedAnswer.Text(text));

        LlmException whole = await Assert.ThrowsAsync<LlmException>(() => host.Chat(provider).GetResponseAsync("Hi", null, Token));
        LlmException stream = await Assert.ThrowsAsync<LlmException>(
            async () => await host.Chat(provider).GetStreamingResponseAsync("Hi", null, Token).ToListAsync(Token));

        Assert.Equal(LlmError.ResponseTooLarge, whole.Error);
        Assert.Equal(LlmError.ResponseTooLarge, stream.Error);
        Assert.Equal(2, host.Fake.ReceivedRequests);
    }
}
