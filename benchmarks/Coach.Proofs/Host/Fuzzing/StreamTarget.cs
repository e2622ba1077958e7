using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Host.Fuzzing;

/// <summary>A provider's stream: it ends in an answer or in Coach's own exception, and holds no text that did not come.</summary>
internal sealed class StreamTarget : FuzzTarget
{
    private static readonly (string Provider, byte[] Body)[] Streams =
    [
        ("openai-compatible", "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"u8.ToArray()),
        ("openai", "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hello\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}\n\n"u8.ToArray()),
        ("anthropic", "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"usage\":{\"input_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"u8.ToArray()),
        ("gemini", "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hello\"},{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":2}}\n\n"u8.ToArray()),
    ];

    private static readonly byte[][] Words =
    [
        "data: "u8.ToArray(), "\n\n"u8.ToArray(), "\r\n\r\n"u8.ToArray(), "{}"u8.ToArray(), "null"u8.ToArray(), "[]"u8.ToArray(), "\"\\ud800\""u8.ToArray(), "1e999"u8.ToArray(), "-1"u8.ToArray(),
        ": keep-alive\n\n"u8.ToArray(), "\uFEFF"u8.ToArray(), "{\"error\":{\"message\":\"x\",\"code\":429}}"u8.ToArray(), "event: error\n"u8.ToArray(), "[DONE]"u8.ToArray(),
    ];

    private readonly Body _body = new();
    private readonly ServiceProvider _services;
    private readonly Mutator[] _mutators;
    private int _next;

    public StreamTarget(int seed)
    {
        _mutators = [.. Streams.Select((stream, n) => new Mutator(seed + n, [stream.Body], Words))];
        IServiceCollection services = new ServiceCollection().AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Requests.MaxRetries = 0;
            options.OpenAICompatible.BaseUrl = new Uri("http://127.0.0.1:9/v1");
            options.OpenAI.BaseUrl = new Uri("http://127.0.0.1:9/v1");
            options.Anthropic.BaseUrl = new Uri("http://127.0.0.1:9");
            options.Gemini.BaseUrl = new Uri("http://127.0.0.1:9");
            options.OpenAI.Protocol = "responses";
        });
        services.AddHttpClient("Coach.Llm").ConfigurePrimaryHttpMessageHandler(() => _body);
        _services = services.BuildServiceProvider();
    }

    public override string Name => "stream";

    public override async Task<bool> ReadsGoodAsync()
    {
        for (int n = 0; n < Streams.Length; n++)
        {
            if (await ReadAsync([(byte)n, .. Streams[n].Body]) != "Hello")
            {
                return false;
            }
        }

        return true;
    }

    // The first byte says whose stream it is.
    public override byte[] Next()
    {
        int provider = _next++ % Streams.Length;
        return [(byte)provider, .. _mutators[provider].Next()];
    }

    public override async Task<string?> TryAsync(byte[] input) =>
        (await ReadAsync(input)).Length <= input.Length ? null : "more text than came";

    private async Task<string> ReadAsync(byte[] input)
    {
        _body.Bytes = input[1..];
        var key = new ApiKey(Streams[input[0] % Streams.Length].Provider, Secret.From("proof-key-" + Guid.NewGuid().ToString("n")));
        var session = SessionId.From(Guid.NewGuid().ToString("n"));
        ISessionClientRegistry registry = _services.GetRequiredService<ISessionClientRegistry>();
        var text = new StringBuilder();
        try
        {
            using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(session, key);
            await foreach (ChatResponseUpdate update in lease.Client.GetStreamingResponseAsync("hi"))
            {
                text.Append(update.Text);
            }
        }
        catch (LlmException)
        {
            // the one type of a failure
        }
        finally
        {
            await registry.RemoveAsync(session);
        }

        return text.ToString();
    }

    public override ValueTask DisposeAsync() => _services.DisposeAsync();

    private sealed class Body : HttpMessageHandler
    {
        public byte[] Bytes { get; set; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var content = new ByteArrayContent(Bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue("text/event-stream");
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = content, RequestMessage = request });
        }
    }
}
