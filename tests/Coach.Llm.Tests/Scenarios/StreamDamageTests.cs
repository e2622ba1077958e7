using System.Net;
using System.Text;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>Recorded streams, cut and damaged in every place: what may not be lost is a missing end or broken JSON.</summary>
public sealed class StreamDamageTests
{
    private const string Text = "The library opens at nine on weekdays, \"sharp\", says the naïve café owner – and 🎯 closes early.\n";

    public static TheoryData<string, string> Streams
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string name, string provider) in ProtocolHarness.Streams)
            {
                data.Add(name, provider);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_Whole_GivesTheExactResult(string name, string provider)
    {
        ProtocolResult result = await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name));

        Assert.Equal(name switch { "gemini-tools" => "Looking it up: ", "openai-tools" => "", _ => Text }, result.Text);
        Assert.Equal(name switch
        {
            "gemini-tools" or "openai-tools" => "opening_hours(place=library,day=monday);closing_hours(place=library)",
            "anthropic-tools" => "opening_hours(place=library)",
            _ => "",
        }, result.Calls);
        Assert.Equal(41, result.TotalTokens);
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_InAnyChunks_GivesTheSameResult(string name, string provider)
    {
        byte[] body = ProtocolHarness.Recorded(name);
        ProtocolResult expected = await ProtocolHarness.ReadAsync(provider, body);

        Assert.Equal(expected, await ProtocolHarness.ReadAsync(provider, body, ResponseDelivery.ByteByByte));
        for (int seed = 0; seed < 60; seed++)
        {
            ProtocolResult actual = await ProtocolHarness.ReadAsync(provider, body, ResponseDelivery.RandomChunks(seed, max: 1 + (seed * 5)));
            Assert.True(expected == actual, $"seed {seed}");
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_EveryPrefix_IsInterruptedOrComplete(string name, string provider)
    {
        byte[] body = ProtocolHarness.Recorded(name);
        ProtocolResult expected = await ProtocolHarness.ReadAsync(provider, body);
        int complete = 0;
        for (int length = 0; length < body.Length; length++)
        {
            try
            {
                ProtocolResult actual = await ProtocolHarness.ReadAsync(provider, body[..length]);
                complete++;
                Assert.True((expected.Text, expected.Calls) == (actual.Text, actual.Calls), $"prefix of {length} bytes");
            }
            catch (LlmException exception)
            {
                Assert.True(exception.Error == LlmError.StreamInterrupted, $"prefix of {length} bytes: {exception.Error}");
            }
        }

        // Only what follows the end may be missing, such as usage, line ends and OpenAI's mark.
        Assert.InRange(complete, 1, body.Length / 4);
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_CutConnectionAnywhere_IsInterruptedNeverShort(string name, string provider)
    {
        byte[] body = ProtocolHarness.Recorded(name);
        ProtocolResult expected = await ProtocolHarness.ReadAsync(provider, body);
        for (int length = 0; length < body.Length - 4; length += 7)
        {
            try
            {
                ProtocolResult actual = await ProtocolHarness.ReadAsync(provider, body, ResponseDelivery.RandomChunks(length).CutAfter(length));
                Assert.True((expected.Text, expected.Calls) == (actual.Text, actual.Calls), $"cut after {length} of {body.Length} bytes");
            }
            catch (LlmException exception)
            {
                Assert.Equal(LlmError.StreamInterrupted, exception.Error);
            }
        }
    }

    /// <summary>
    /// Additions are passed over, so a flipped bit in a name loses what stands under it, which only TLS can see. What is always seen is that
    /// an answer has no end, and JSON that is none: every result is one that was ended, by a reason or by the protocol's mark, or a typed error.
    /// </summary>
    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_EveryByteFlipped_IsATypedErrorOrAnAnswerThatWasEnded(string name, string provider)
    {
        byte[] body = ProtocolHarness.Recorded(name);
        int errors = 0;
        for (int i = 0; i < body.Length; i++)
        {
            foreach (int bit in (int[])[1 << (i % 8), 0x20])
            {
                byte[] damaged = (byte[])body.Clone();
                damaged[i] ^= (byte)bit;
                try
                {
                    ProtocolResult actual = await ProtocolHarness.ReadAsync(provider, damaged);
                    Assert.True(actual.Finish is { Length: > 0 } || HasEndMark(provider, damaged), $"byte {i} ^ {bit:x2}: an answer without an end");
                }
                catch (LlmException)
                {
                    errors++;
                }
            }
        }

        Assert.True(errors > body.Length / 8, $"{errors} of {body.Length * 2} flips were noticed");
    }

    private static bool HasEndMark(string provider, byte[] body) => provider is not ProviderNames.Gemini
        && body.AsSpan().IndexOf(provider is ProviderNames.Anthropic ? "\"message_stop\""u8 : "data: [DONE]"u8) >= 0;

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_AnyBraceBracketOrQuoteLost_IsBrokenJsonAndNeverAnotherAnswer(string name, string provider)
    {
        byte[] body = ProtocolHarness.Recorded(name);
        ProtocolResult whole = await ProtocolHarness.ReadAsync(provider, body);
        int faults = 0;
        (bool[] inString, bool[] isQuote) = Strings(body);
        int end = body.AsSpan().LastIndexOf(provider is ProviderNames.Anthropic ? "event: message_stop"u8 : "data: [DONE]"u8);
        for (int i = 0; i < (end < 0 ? body.Length : end); i++)
        {
            if (isQuote[i] || (!inString[i] && body[i] is (byte)'{' or (byte)'}' or (byte)'[' or (byte)']'))
            {
                byte[] damaged = [.. body[..i], .. body[(i + 1)..]];
                try
                {
                    // Behind the end of the answer stands its usage alone.
                    ProtocolResult answer = await ProtocolHarness.ReadAsync(provider, damaged);
                    Assert.True((answer.Text, answer.Calls, answer.Finish) == (whole.Text, whole.Calls, whole.Finish), $"byte {i}: another answer");
                }
                catch (LlmException failure)
                {
                    Assert.True(failure.Error is LlmError.InvalidResponse or LlmError.StreamInterrupted, $"byte {i}: {failure.Error}");
                    faults++;
                }
            }
        }

        Assert.True(faults > 20, $"{faults} losses were noticed");
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_BeyondAnEventsLimit_IsTooLarge(string name, string provider)
    {
        byte[] body = ProtocolHarness.Recorded(name);
        var options = new CoachLlmOptions();
        options.Requests.MaxEventBytes = 60;
        using ScriptedHttpHandler handler = new ScriptedHttpHandler().Answer(HttpStatusCode.OK, body, "text/event-stream");
        LlmException exception = await Assert.ThrowsAsync<LlmException>(async () =>
            await ProtocolHarness.Client(provider, handler, options).GetStreamingResponseAsync("hi").ToListAsync(TestContext.Current.CancellationToken));
        Assert.Equal(LlmError.ResponseTooLarge, exception.Error);
    }

    [Theory]
    [InlineData("""{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}""", LlmError.KeyInvalid)]
    [InlineData("""[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]""", LlmError.Unavailable)]
    [InlineData("{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"x\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n", LlmError.Unavailable)]
    [InlineData("<!DOCTYPE html><title>hello</title>", LlmError.InvalidResponse)]
    [InlineData("", LlmError.StreamInterrupted)]
    [InlineData("data: {}\n\n", LlmError.StreamInterrupted)]
    [InlineData("data: 5\n\n", LlmError.StreamInterrupted)]
    [InlineData("data: {broken\n\n", LlmError.InvalidResponse)]
    [InlineData(": only comments\n\n", LlmError.StreamInterrupted)]
    public async Task Stream_OtherBodiesUnderAnEventStreamsType_AreTypedErrors(string body, LlmError expected)
    {
        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.ReadAsync(ProviderNames.Gemini, Encoding.UTF8.GetBytes(body), ResponseDelivery.RandomChunks(1)));
        Assert.Equal(expected, exception.Error);
    }

    private static (bool[] InString, bool[] IsQuote) Strings(byte[] body)
    {
        bool[] inString = new bool[body.Length];
        bool[] isQuote = new bool[body.Length];
        bool isIn = false;
        for (int i = 0; i < body.Length; i++)
        {
            inString[i] = isIn;
            if (isIn && body[i] == (byte)'\\')
            {
                inString[++i] = true;
            }
            else if (body[i] == (byte)'"')
            {
                isQuote[i] = true;
                isIn = !isIn;
            }
        }

        return (inString, isQuote);
    }
}
