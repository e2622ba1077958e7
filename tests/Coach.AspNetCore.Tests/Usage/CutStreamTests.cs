using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Coach.Testing;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests.Usage;

/// <summary>Streams that end at any byte are counted as the provider had counted them by then.</summary>
public sealed class CutStreamTests
{
    private const int Cuts = 40;
    private const int InputTokens = 37;
    private const int Words = 9;

    private int _asked;

    [Theory]
    [InlineData("gemini", 1)]
    [InlineData("anthropic", 2)]
    public async Task Stream_CutAtARandomByte_IsCountedAsTheProviderCounted(string provider, int seed)
    {
        await using ProviderFake fake = await ProviderFake.StartAsync();
        await using UsageHost host = await UsageHost.StartAsync(new()
        {
            ["Coach:Mode"] = "real",
            ["Coach:Llm:Gemini:BaseUrl"] = fake.BaseUrl("gemini").AbsoluteUri,
            ["Coach:Llm:Anthropic:BaseUrl"] = fake.BaseUrl("anthropic").AbsoluteUri,
            ["Coach:Llm:Requests:MaxRetries"] = "0",
            ["Coach:Llm:Requests:CircuitMinimumCalls"] = "0",
            ["Coach:Llm:Limits:SessionCallsPerMinute"] = "0",
            ["Coach:Llm:Limits:KeyCallsPerMinute"] = "0",
            ["Coach:RateLimits:SessionBurst"] = "1000",
        });
        const string key = "cut-stream-test-key-0123456789";
        fake.SetKey(provider, key);
        using HttpResponseMessage entered = await host.Visitor.PostAsJsonAsync(
            "/api/session/keys", new { provider, apiKey = key });
        entered.EnsureSuccessStatusCode();
        string body = provider == "gemini" ? GeminiBody() : AnthropicBody();
        string prefix = "";
        fake.AnswerAlways(provider, _ =>
        {
            Interlocked.Increment(ref _asked);
            return ScriptedAnswer.Recorded(Volatile.Read(ref prefix));
        });
        var random = new Random(seed);

        for (int i = 0; i <= Cuts; i++)
        {
            int before = _asked;
            int known = (await EntriesAsync(host)).Count;
            Volatile.Write(ref prefix, i == Cuts ? body : body[..random.Next(body.Length)]);
            using HttpResponseMessage answer = await host.AskAsync("How are you?");
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

            List<LedgerEntry> entries = (await EntriesAsync(host))[known..];
            Assert.Equal(_asked - before, entries.Count);
            foreach (LedgerEntry entry in entries)
            {
                Check(provider, prefix, entry);
            }
        }
    }

    private static void Check(string provider, string prefix, LedgerEntry entry)
    {
        // Before a word the attempt is a failure, and is asked again where retries are on: nothing was sold.
        int events = EventsOf(prefix);
        int silent = provider == "gemini" ? 0 : 2;
        if (events <= silent)
        {
            Assert.Equal((0, 0), (entry.Counts.Input, entry.Counts.Output));
            return;
        }

        Assert.Equal(InputTokens, entry.Counts.Input);
        if (provider == "gemini")
        {
            Assert.Equal((Math.Min(events, Words), false), (entry.Counts.Output, entry.IsEstimated));
            return;
        }

        // Anthropic says 1 at the beginning and counts the answer at its end; what was said in between is an estimate,
        // and marked.
        bool isCounted = events >= Words + 4;
        Assert.Equal(!isCounted && events > silent + 1, entry.IsEstimated);
        if (isCounted)
        {
            Assert.Equal(Words, entry.Counts.Output);
        }
        else
        {
            Assert.InRange(entry.Counts.Output, 1, 4 * Words);
        }
    }

    // One whose end alone is missing was told all the same.
    private static int EventsOf(string prefix)
    {
        string[] events = prefix.Split("\n\n");
        string last = events[^1].Split("data: ")[^1].TrimEnd('\n');
        return events.Length - (last.StartsWith('{') && IsWhole(last) ? 0 : 1);
    }

    private static bool IsWhole(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static async Task<List<LedgerEntry>> EntriesAsync(UsageHost host)
    {
        var entries = new List<LedgerEntry>();
        await foreach (LedgerEntry entry in host.Services.GetRequiredService<IUsageLedger>().ReadAsync(new LedgerQuery()))
        {
            if (entry.Account != LedgerAccount.AppUsage)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    private static string GeminiBody()
    {
        var body = new StringBuilder();
        for (int i = 1; i <= Words; i++)
        {
            string finish = i == Words ? ",\"finishReason\":\"STOP\"" : "";
            body.Append(CultureInfo.InvariantCulture,
                $"data: {{\"candidates\":[{{\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":\"word{i} \"}}]}}{finish}}}],")
                .Append(CultureInfo.InvariantCulture,
                    $"\"usageMetadata\":{{\"promptTokenCount\":{InputTokens},\"candidatesTokenCount\":{i},\"totalTokenCount\":{InputTokens + i}}},")
                .Append("\"modelVersion\":\"gemini-2.5-flash\"}\n\n");
        }

        return body.ToString();
    }

    private static string AnthropicBody()
    {
        var body = new StringBuilder();
        Event("message_start", string.Create(CultureInfo.InvariantCulture,
            $"\"message\":{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"usage\":{{\"input_tokens\":{InputTokens},\"output_tokens\":1}}}}"));
        Event("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
        for (int i = 1; i <= Words; i++)
        {
            Event("content_block_delta", string.Create(CultureInfo.InvariantCulture,
                $"\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"word{i} \"}}"));
        }

        Event("content_block_stop", "\"index\":0");
        Event("message_delta", string.Create(CultureInfo.InvariantCulture,
            $"\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":{Words}}}"));
        Event("message_stop", "");
        return body.ToString();

        void Event(string type, string fields) => body.Append(CultureInfo.InvariantCulture,
            $"event: {type}\ndata: {{\"type\":\"{type}\"{(fields.Length > 0 ? "," : "")}{fields}}}\n\n");
    }
}
