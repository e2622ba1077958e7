using System.Text;
using System.Text.Json;
using Coach.Llm;
using Coach.Llm.Protocols.Gemini;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Benchmarks.Llm;

/// <summary>What does it cost to read a Gemini stream of 2,000 chunks?</summary>
public class GeminiStreamBenchmarks() : StreamBenchmarks(ProviderNames.Gemini)
{
    private const int Chunks = 2000;

    private protected override StreamDecoder NewDecoder() => new GeminiStreamDecoder("bench", 0);

    protected override byte[] Body()
    {
        return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, Chunks).Select(i =>
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" word number " + i + " of the answer\"}],\"role\": \"model\"},"
            + (i == Chunks - 1 ? "\"finishReason\": \"STOP\"," : "")
            + "\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 12,\"candidatesTokenCount\": " + (i * 7)
            + ",\"totalTokenCount\": " + (12 + (i * 7)) + ",\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 12}]},"
            + "\"modelVersion\": \"gemini-3.8-flash\",\"responseId\": \"b7QhaZ-fixture-0001\"}\r\n\r\n")));
    }

    protected override async IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync(HttpClient http)
    {
        UsageDetails? usage = null;
        await foreach (JsonDocument document in EventsAsync(http, "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse", """{"contents":[{"parts":[{"text":"hi"}]}]}"""))
        {
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
}
