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
/// What does it cost to read a Gemini stream of 2,000 chunks? Both contenders read the same bytes from the same in-memory HTTP handler and
/// hand out the same updates. Coach's row is the whole client, with its limits, retries, circuit and telemetry round the parser.
/// </summary>
[MemoryDiagnoser]
public class GeminiStreamBenchmarks
{
    private const int Chunks = 2000;

    private ServiceProvider _services = null!;
    private HttpClient _http = null!;
    private ClientLease<IChatClient> _lease;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        byte[] body = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, Chunks).Select(i =>
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" word number " + i + " of the answer\"}],\"role\": \"model\"},"
            + (i == Chunks - 1 ? "\"finishReason\": \"STOP\"," : "")
            + "\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 12,\"candidatesTokenCount\": " + (i * 7)
            + ",\"totalTokenCount\": " + (12 + (i * 7)) + ",\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 12}]},"
            + "\"modelVersion\": \"gemini-3.8-flash\",\"responseId\": \"b7QhaZ-fixture-0001\"}\r\n\r\n")));
        _http = new HttpClient(new MemoryHandler(body));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
        }).HttpClient.ConfigurePrimaryHttpMessageHandler(() => new MemoryHandler(body));
        _services = services.BuildServiceProvider();
        _lease = await _services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("bench"), new ApiKey("gemini", Secret.From("a-key-for-the-benchmark")));
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
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse")
        {
            Content = new StringContent("""{"contents":[{"parts":[{"text":"hi"}]}]}""", Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        UsageDetails? usage = null;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            using JsonDocument document = JsonDocument.Parse(line.AsMemory(6));
            JsonElement root = document.RootElement;
            var contents = new List<AIContent>();
            JsonElement candidate = root.GetProperty("candidates")[0];
            foreach (JsonElement part in candidate.GetProperty("content").GetProperty("parts").EnumerateArray())
            {
                if (part.TryGetProperty("text", out JsonElement text))
                {
                    contents.Add(new TextContent(text.GetString()));
                }
            }

            if (root.TryGetProperty("usageMetadata", out JsonElement counts))
            {
                usage = new UsageDetails
                {
                    InputTokenCount = counts.GetProperty("promptTokenCount").GetInt64(),
                    OutputTokenCount = counts.GetProperty("candidatesTokenCount").GetInt64(),
                    TotalTokenCount = counts.GetProperty("totalTokenCount").GetInt64(),
                };
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, contents)
            {
                ResponseId = root.GetProperty("responseId").GetString(),
                ModelId = root.GetProperty("modelVersion").GetString(),
                FinishReason = candidate.TryGetProperty("finishReason", out JsonElement reason) && reason.GetString() == "STOP" ? ChatFinishReason.Stop : null,
            };
        }

        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(usage!)]);
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
