using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Llm;

/// <summary>
/// What does it cost to read a stream of 2,000 pieces of OpenAI's Responses API? Both contenders read the same bytes from the same in-memory HTTP
/// handler and hand out the same text. Coach's row is the whole client, with its limits, retries, circuit and telemetry round the parser.
/// </summary>
[MemoryDiagnoser]
public class OpenAIResponsesStreamBenchmarks
{
    private const int Pieces = 2000;

    private ServiceProvider _services = null!;
    private HttpClient _http = null!;
    private ClientLease<IChatClient> _lease;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        const string Item = "\"item_id\":\"msg_68b0c1c5b5e081a1\",\"output_index\":0,\"content_index\":0";
        IEnumerable<(string Type, string Tail)> events =
        [
            ("response.created", "\"response\":{\"id\":\"resp_68b0c1c5b5e081a1\",\"status\":\"in_progress\",\"model\":\"gpt-fixture\",\"output\":[]}"),
            ("response.output_item.added", "\"output_index\":0,\"item\":{\"id\":\"msg_68b0c1c5b5e081a1\",\"type\":\"message\",\"content\":[]}"),
            .. Enumerable.Range(0, Pieces).Select(i => ("response.output_text.delta",
                Item + ",\"delta\":\" word number " + i + " of the answer\",\"logprobs\":[],\"obfuscation\":\"Xo7dFa\",\"sequence_number\":" + (i + 2))),
            ("response.completed", "\"response\":{\"id\":\"resp_68b0c1c5b5e081a1\",\"status\":\"completed\",\"model\":\"gpt-fixture\",\"output\":[],"
                + "\"usage\":{\"input_tokens\":12,\"output_tokens\":14000,\"total_tokens\":14012}}"),
        ];
        byte[] body = Encoding.UTF8.GetBytes(string.Concat(events.Select(
            item => $"event: {item.Type}\ndata: {{\"type\":\"{item.Type}\",{item.Tail}}}\n\n")));
        _http = new HttpClient(new MemoryHandler(body));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.OpenAI.Model = "gpt-fixture";
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
        }).HttpClient.ConfigurePrimaryHttpMessageHandler(() => new MemoryHandler(body));
        _services = services.BuildServiceProvider();
        _lease = await _services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("bench"), new ApiKey("openai", Secret.From("a-key-for-the-benchmark")));
        if (await Coach() != await JsonDocumentPerEvent())
        {
            throw new InvalidOperationException("The contenders read different answers.");
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _lease.Dispose();
        _services.Dispose();
        _http.Dispose();
    }

    /// <summary>What one writes first: lines, a JsonDocument for each, an update from its elements.</summary>
    [Benchmark(Baseline = true)]
    public async Task<int> JsonDocumentPerEvent()
    {
        int length = 0;
        await foreach (ChatResponseUpdate update in StraightforwardAsync())
        {
            length += update.Text.Length;
        }

        return length;
    }

    /// <summary>The session's client as a host uses it.</summary>
    [Benchmark]
    public async Task<int> Coach()
    {
        int length = 0;
        await foreach (ChatResponseUpdate update in _lease.Client.GetStreamingResponseAsync("hi"))
        {
            length += update.Text.Length;
        }

        return length;
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://api.openai.com/v1/responses")
        {
            Content = new StringContent("""{"model":"gpt-fixture","input":"hi","stream":true}""", Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            using JsonDocument document = JsonDocument.Parse(line.AsMemory(6));
            switch (document.RootElement.GetProperty("type").GetString())
            {
                case "response.output_text.delta":
                    yield return new ChatResponseUpdate(ChatRole.Assistant, document.RootElement.GetProperty("delta").GetString());
                    break;
                case "response.completed":
                    JsonElement usage = document.RootElement.GetProperty("response").GetProperty("usage");
                    yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(new UsageDetails
                    {
                        InputTokenCount = usage.GetProperty("input_tokens").GetInt64(),
                        OutputTokenCount = usage.GetProperty("output_tokens").GetInt64(),
                        TotalTokenCount = usage.GetProperty("total_tokens").GetInt64(),
                    })])
                    { FinishReason = ChatFinishReason.Stop };
                    break;
            }
        }
    }

    private sealed class MemoryHandler(byte[] body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var content = new StreamContent(new MemoryStream(body, writable: false));
            content.Headers.ContentType = new MediaTypeHeaderValue("text/event-stream");
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = content, RequestMessage = request });
        }
    }
}
