using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coach.Llm;
using Coach.Llm.Protocols.OpenAI;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Coach.Benchmarks.Llm;

/// <summary>
/// What does it cost to read a stream of 2,000 chunks of chat completions? Besides the straightforward reader stands
/// OpenAI's SDK under Microsoft.Extensions.AI.OpenAI, which has no limits, circuit or telemetry round it.
/// </summary>
public class OpenAIChatStreamBenchmarks() : StreamBenchmarks(ProviderNames.OpenAI, "chat-completions")
{
    private const int Pieces = 2000;

    private IChatClient? _sdk;

    /// <summary>The vendor's client, over the same bytes.</summary>
    [Benchmark]
    public Task<int> Sdk() => ReadAsync(_sdk ??= new OpenAIClient(
        new ApiKeyCredential("a-key-for-the-benchmark"),
        new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(Http) }).GetChatClient("gpt-fixture").AsIChatClient());

    private protected override StreamDecoder NewDecoder() => new OpenAIStreamDecoder("bench", 0);

    protected override byte[] Body()
    {
        const string Head = "{\"id\":\"chatcmpl-Abc123\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-fixture\",";
        IEnumerable<string> chunks =
        [
            .. Enumerable.Range(0, Pieces).Select(i => Head + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word number " + i
                + " of the answer\"},\"logprobs\":null,\"finish_reason\":null}]}"),
            Head + "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}",
            Head + "\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":14000,\"total_tokens\":14012}}",
            "[DONE]",
        ];
        return Encoding.UTF8.GetBytes(string.Concat(chunks.Select(chunk => $"data: {chunk}\n\n")));
    }

    protected override async IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync(HttpClient http)
    {
        await foreach (JsonDocument document in EventsAsync(http, "https://api.openai.com/v1/chat/completions", """{"model":"gpt-fixture","stream":true}"""))
        {
            JsonElement root = document.RootElement;
            if (root.GetProperty("choices").GetArrayLength() == 0)
            {
                JsonElement usage = root.GetProperty("usage");
                yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(new UsageDetails
                {
                    InputTokenCount = usage.GetProperty("prompt_tokens").GetInt64(),
                    OutputTokenCount = usage.GetProperty("completion_tokens").GetInt64(),
                    TotalTokenCount = usage.GetProperty("total_tokens").GetInt64(),
                })]);
                continue;
            }

            JsonElement choice = root.GetProperty("choices")[0];
            string? text = choice.GetProperty("delta").TryGetProperty("content", out JsonElement content) ? content.GetString() : null;
            yield return new ChatResponseUpdate(ChatRole.Assistant, text)
            {
                FinishReason = choice.GetProperty("finish_reason").ValueKind == JsonValueKind.Null ? null : ChatFinishReason.Stop,
            };
        }
    }
}
