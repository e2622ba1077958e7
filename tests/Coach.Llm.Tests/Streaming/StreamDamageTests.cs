using System.Net;
using System.Text;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>Recorded streams, cut and damaged in every place: the exact result or a typed error, never something in between.</summary>
public sealed class StreamDamageTests
{
    private const string Text = "The library opens at nine on weekdays, \"sharp\", says the naïve café owner – and 🎯 closes early.\n";

    public static TheoryData<string, string> Streams
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string name, string provider) in WireHarness.Streams)
            {
                data.Add(name, provider);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_Whole_GivesTheExactResult(string name, string provider)
    {
        WireResult result = await WireHarness.ReadAsync(provider, WireHarness.Recorded(name));

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
        byte[] body = WireHarness.Recorded(name);
        WireResult expected = await WireHarness.ReadAsync(provider, body);

        Assert.Equal(expected, await WireHarness.ReadAsync(provider, body, ResponseDelivery.ByteByByte));
        for (int seed = 0; seed < 60; seed++)
        {
            WireResult actual = await WireHarness.ReadAsync(provider, body, ResponseDelivery.RandomChunks(seed, max: 1 + (seed * 5)));
            Assert.True(expected == actual, $"seed {seed}");
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_EveryPrefix_IsInterruptedOrComplete(string name, string provider)
    {
        byte[] body = WireHarness.Recorded(name);
        WireResult expected = await WireHarness.ReadAsync(provider, body);
        int complete = 0;
        for (int length = 0; length < body.Length; length++)
        {
            try
            {
                WireResult actual = await WireHarness.ReadAsync(provider, body[..length]);
                complete++;
                Assert.True((expected.Text, expected.Calls) == (actual.Text, actual.Calls), $"prefix of {length} bytes");
            }
            catch (LlmException exception)
            {
                Assert.True(exception.Error == LlmError.StreamInterrupted, $"prefix of {length} bytes: {exception.Error}");
            }
        }

        // Only what follows the last needed byte may be missing: line ends, and OpenAI's end mark behind the usage.
        Assert.True(complete <= 10, $"{complete} prefixes passed as complete");
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_CutConnectionAnywhere_IsInterruptedNeverShort(string name, string provider)
    {
        byte[] body = WireHarness.Recorded(name);
        for (int length = 0; length < body.Length - 4; length += 7)
        {
            try
            {
                await WireHarness.ReadAsync(provider, body, ResponseDelivery.RandomChunks(length).CutAfter(length));
                Assert.True(length > body.Length - 20, $"cut after {length} of {body.Length} bytes passed as complete");
            }
            catch (LlmException exception)
            {
                Assert.Equal(LlmError.StreamInterrupted, exception.Error);
            }
        }
    }

    /// <summary>
    /// A flipped bit outside JSON strings leaves the text exact or is an error. Within a string it may change that string's own
    /// characters, which nothing in these protocols can reveal (TLS does); but no piece of the answer may vanish or appear.
    /// </summary>
    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_EveryByteFlipped_NeverLosesOrInventsText(string name, string provider)
    {
        byte[] body = WireHarness.Recorded(name);
        bool[] inString = InStrings(body);
        WireResult expected = await WireHarness.ReadAsync(provider, body);
        int errors = 0;
        for (int i = 0; i < body.Length; i++)
        {
            foreach (int bit in (int[])[1 << (i % 8), 0x20])
            {
                byte[] damaged = (byte[])body.Clone();
                damaged[i] ^= (byte)bit;
                try
                {
                    WireResult actual = await WireHarness.ReadAsync(provider, damaged);
                    string where = $"byte {i} ^ {bit:x2} near '{Encoding.UTF8.GetString(body, Math.Max(0, i - 15), Math.Min(30, body.Length - Math.Max(0, i - 15)))}'";
                    Assert.True(Math.Abs(actual.Text.Length - expected.Text.Length) <= 5, $"{where}: '{actual.Text}'");
                    Assert.True(actual.CallCount == expected.CallCount, $"{where}: {actual.Calls}");
                    Assert.True(inString[i] || (actual.Text, actual.Calls) == (expected.Text, expected.Calls), where);
                }
                catch (LlmException)
                {
                    errors++;
                }
            }
        }

        Assert.True(errors > body.Length / 4, $"{errors} of {body.Length * 2} flips were noticed");
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_BeyondAnEventsLimit_IsTooLarge(string name, string provider)
    {
        byte[] body = WireHarness.Recorded(name);
        var options = new CoachLlmOptions();
        options.Requests.MaxEventBytes = 60;
        using ScriptedHttpHandler handler = new ScriptedHttpHandler().Answer(HttpStatusCode.OK, body, "text/event-stream");
        LlmException exception = await Assert.ThrowsAsync<LlmException>(async () =>
            await WireHarness.Client(provider, handler, options).GetStreamingResponseAsync("hi").ToListAsync(TestContext.Current.CancellationToken));
        Assert.Equal(LlmError.ResponseTooLarge, exception.Error);
    }

    [Theory]
    [InlineData("""{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}""", LlmError.KeyInvalid)]
    [InlineData("""[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]""", LlmError.Unavailable)]
    [InlineData("{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"x\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n", LlmError.Unavailable)]
    [InlineData("<!DOCTYPE html><title>hello</title>", LlmError.InvalidResponse)]
    [InlineData("", LlmError.StreamInterrupted)]
    [InlineData("data: {}\n\n", LlmError.StreamInterrupted)]
    [InlineData("data: 5\n\n", LlmError.InvalidResponse)]
    [InlineData(": only comments\n\n", LlmError.StreamInterrupted)]
    public async Task Stream_OtherBodiesUnderAnEventStreamsType_AreTypedErrors(string body, LlmError expected)
    {
        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => WireHarness.ReadAsync(ProviderNames.Gemini, Encoding.UTF8.GetBytes(body), ResponseDelivery.RandomChunks(1)));
        Assert.Equal(expected, exception.Error);
    }

    private static bool[] InStrings(byte[] body)
    {
        bool[] result = new bool[body.Length];
        bool isIn = false;
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] == (byte)'\n')
            {
                isIn = false;
            }
            else if (body[i] == (byte)'"' && (i == 0 || body[i - 1] != (byte)'\\'))
            {
                isIn = !isIn;
                result[i] = true; // a flipped quote moves the string's end
            }

            result[i] |= isIn;
        }

        return result;
    }
}
