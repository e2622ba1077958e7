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

/// <summary>What does it cost to read a stream of 2,000 pieces of OpenAI's Responses API?</summary>
public class OpenAIResponsesStreamBenchmarks() : StreamBenchmarks(ProviderNames.OpenAI)
{
    private const int Pieces = 2000;

    private IChatClient? _sdk;

    /// <summary>The vendor's client, over the same bytes.</summary>
    [Benchmark]
    public Task<int> Sdk() => ReadAsync(_sdk ??= new OpenAIClient(
        new ApiKeyCredential("a-key-for-the-benchmark"),
        new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(Http) })
        .GetResponsesClient().AsIChatClient("gpt-fixture"));

    private protected override StreamDecoder NewDecoder() => new OpenAIResponsesDecoder("bench", 0, hasTools: false);

    protected override byte[] Body()
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
        return Encoding.UTF8.GetBytes(string.Concat(events.Select(
            item => $"event: {item.Type}\ndata: {{\"type\":\"{item.Type}\",{item.Tail}}}\n\n")));
    }

    protected override async IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync(HttpClient http)
    {
        await foreach (JsonDocument document in EventsAsync(http, "https://api.openai.com/v1/responses", """{"model":"gpt-fixture","input":"hi","stream":true}"""))
        {
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
}
