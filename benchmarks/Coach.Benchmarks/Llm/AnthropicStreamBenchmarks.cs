using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Core;
using BenchmarkDotNet.Attributes;
using Coach.Llm;
using Coach.Llm.Protocols.Anthropic;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Benchmarks.Llm;

/// <summary>
/// What does it cost to read a stream of 2,000 deltas of Anthropic's messages? Besides the straightforward reader
/// stands Anthropic's SDK, which has no limits, circuit or telemetry round it.
/// </summary>
public class AnthropicStreamBenchmarks() : StreamBenchmarks(ProviderNames.Anthropic)
{
    private const int Pieces = 2000;

    private IChatClient? _sdk;

    /// <summary>The vendor's client, over the same bytes.</summary>
    [Benchmark]
    public Task<int> Sdk() => ReadAsync(_sdk ??= new AnthropicClient(
        new ClientOptions { ApiKey = "a-key-for-the-benchmark", HttpClient = Http }).AsIChatClient("claude-fixture", 1000));

    private protected override StreamDecoder NewDecoder() => new AnthropicStreamDecoder("bench", 0);

    protected override byte[] Body()
    {
        IEnumerable<(string Type, string Tail)> events =
        [
            ("message_start", "\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-fixture\",\"content\":[],"
                + "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}"),
            ("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"),
            .. Enumerable.Range(0, Pieces).Select(i => ("content_block_delta",
                "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word number " + i + " of the answer\"}")),
            ("content_block_stop", "\"index\":0"),
            ("message_delta", "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":14000}"),
        ];
        return Encoding.UTF8.GetBytes(string.Concat(events.Select(
            item => $"event: {item.Type}\ndata: {{\"type\":\"{item.Type}\",{item.Tail}}}\n\n")) + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }

    protected override async IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync(HttpClient http)
    {
        await foreach (JsonDocument document in EventsAsync(http, "https://api.anthropic.com/v1/messages", """{"model":"claude-fixture","stream":true}"""))
        {
            JsonElement root = document.RootElement;
            switch (root.GetProperty("type").GetString())
            {
                case "content_block_delta":
                    yield return new ChatResponseUpdate(ChatRole.Assistant, root.GetProperty("delta").GetProperty("text").GetString());
                    break;
                case "message_delta":
                    yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(new UsageDetails
                    {
                        OutputTokenCount = root.GetProperty("usage").GetProperty("output_tokens").GetInt64(),
                    })])
                    { FinishReason = ChatFinishReason.Stop };
                    break;
            }
        }
    }
}
