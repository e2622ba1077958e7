using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

[Collection(nameof(VirtualTime))]
public sealed class ProviderSpeechSynthesizerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SynthesizeAsync_ProviderWorks_GivesAWaveFile()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Cartesia.Voice = "voice-1");
        SpeechAnswer answer = await Speech(host).SynthesizeAsync("Good morning", cancellationToken: Token);

        Assert.False(answer.IsTextOnly);
        Assert.True(answer.Audio.Span.StartsWith("RIFF"u8));
        Assert.Equal(
            """{"model_id":"sonic-3","transcript":"Good morning","voice":{"id":"voice-1"},"output_format":{"container":"wav","encoding":"pcm_s16le","sample_rate":24000}}""",
            host.Fake.Requests[0].Body);
    }

    [Theory]
    [InlineData(8_000, true)]
    [InlineData(48_000, true)]
    [InlineData(7_999, false)]
    [InlineData(48_001, false)]
    public async Task SynthesizeAsync_SampleRateOfTheRequest_IsSentWithinItsRange(int rate, bool isSent)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Cartesia.Voice = "voice-1");
        var options = new SpeechOptions { SampleRate = rate };
        if (isSent)
        {
            await Speech(host).SynthesizeAsync("Good morning", options, Token);
            Assert.Contains($"\"sample_rate\":{rate}", host.Fake.Requests[0].Body, StringComparison.Ordinal);
        }
        else
        {
            await Assert.ThrowsAsync<ArgumentException>(() => Speech(host).SynthesizeAsync("Good morning", options, Token));
        }
    }

    [Fact]
    public async Task SynthesizeAsync_ProviderFails_GivesTheTextAndTheReason()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options =>
        {
            options.Cartesia.Voice = "voice-1";
            options.Requests.MaxRetries = 0;
        });
        ISpeechSynthesizer speech = Speech(host);
        foreach ((ProviderFault fault, LlmError error) in ((ProviderFault, LlmError)[])
            [(ProviderFault.Status(500), LlmError.Unavailable), (ProviderFault.HtmlPage(), LlmError.InvalidResponse), (ProviderFault.Reset(), LlmError.Unreachable)])
        {
            host.Fake.Fail(ProviderNames.Cartesia, fault);
            SpeechAnswer answer = await speech.SynthesizeAsync("Good morning", cancellationToken: Token);
            Assert.True(answer.IsTextOnly);
            Assert.Equal("Good morning", answer.Text);
            Assert.Equal(error, answer.Failure!.Error);
            Assert.True(answer.Audio.IsEmpty);
        }
    }

    [Fact]
    public async Task SynthesizeAsync_CallersMistakes_Throw()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        ISpeechSynthesizer speech = Speech(host);
        await Assert.ThrowsAsync<ArgumentException>(() => speech.SynthesizeAsync(" ", cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => speech.SynthesizeAsync(new string('x', 20_001), cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => speech.SynthesizeAsync("no voice", cancellationToken: Token));
    }

    [Theory]
    [InlineData(200, "application/json", """{"error_code":"quota_exceeded","title":"Out of credits","message":"x"}""", LlmError.QuotaExhausted)]
    [InlineData(200, "audio/wav", """{"error":{"code":429,"message":"slow down"}}""", LlmError.RateLimited)]
    [InlineData(200, "application/json", """{"status":"ok"}""", LlmError.InvalidResponse)]
    [InlineData(200, "audio/wav", "", LlmError.InvalidResponse)]
    [InlineData(200, "audio/wav", "RIFF0000WAVEfmt 0123456789012345678901234567", LlmError.InvalidResponse)] // a header and no sound
    [InlineData(200, "text/html", "<html>login</html>", LlmError.InvalidResponse)]
    [InlineData(204, "audio/wav", "", LlmError.InvalidResponse)]
    [InlineData(402, "application/json", """{"error_code":"quota_exceeded","title":"x","message":"x"}""", LlmError.QuotaExhausted)]
    public async Task SynthesizeAsync_SuccessWithoutSound_IsTheTextAndTheReason(int status, string type, string body, LlmError error)
    {
        using StubHandler network = StubHandler.Always(() => StubHandler.Response(status, body, type));
        SpeechAnswer answer = await SpeakAsync(network);
        Assert.Equal((true, error, ""), (answer.IsTextOnly, answer.Failure!.Error, answer.ContentType));
    }

    [Fact]
    public async Task SynthesizeAsync_SoundUnderAnotherTypeOrCompressed_IsTheSound()
    {
        byte[] wave = [.. "RIFF"u8, .. new byte[60]];
        foreach (bool isCompressed in (bool[])[false, true])
        {
            using StubHandler network = StubHandler.Always(() =>
            {
                using var compressed = new MemoryStream();
                using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
                {
                    gzip.Write(wave);
                }

                var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(isCompressed ? compressed.ToArray() : wave) };
                response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/octet-stream");
                if (isCompressed)
                {
                    response.Content.Headers.ContentEncoding.Add("gzip");
                }

                return response;
            });
            SpeechAnswer answer = await SpeakAsync(network);
            Assert.False(answer.IsTextOnly);
            Assert.Equal(wave, answer.Audio.ToArray());
        }
    }

    [Fact]
    public async Task SynthesizeAsync_ProviderIsSilent_IsTheTextAfterTheTimeLimit()
    {
        var clock = new VirtualClock();
        using var network = new StubHandler(async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, clock, token);
            throw new UnreachableException();
        });
        Task<SpeechAnswer> speaking = SpeakAsync(network, clock);
        await clock.RunUntilAsync(speaking, cancellationToken: Token);
        Assert.Equal(LlmError.TimedOut, (await speaking).Failure!.Error);
    }

    private static async Task<SpeechAnswer> SpeakAsync(StubHandler network, VirtualClock? clock = null)
    {
        await using ServiceProvider services = LlmHost.Build(network, clock, options =>
        {
            options.Cartesia.Voice = "voice-1";
            options.Requests.MaxRetries = 0;
        });
        return await services.GetRequiredService<ProviderClients>()
            .CreateSpeech(ProviderNames.Cartesia, SessionId.From("s"), LlmHost.Key(ProviderNames.Cartesia, "speech-key-0001"))
            .SynthesizeAsync("Good morning", cancellationToken: Token);
    }

    private static ISpeechSynthesizer Speech(ProviderHost host)
    {
        host.Fake.SetKey(ProviderNames.Cartesia, "speech-key-0001");
        return host.Services.GetRequiredService<ProviderClients>()
            .CreateSpeech(ProviderNames.Cartesia, SessionId.From("s"), new ApiKey(ProviderNames.Cartesia, Secret.From("speech-key-0001")));
    }
}
