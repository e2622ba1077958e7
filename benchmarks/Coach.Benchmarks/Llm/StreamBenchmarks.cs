using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Llm;

/// <summary>
/// Two contenders read the same bytes of a stream from the same in-memory HTTP handler and hand out the same text.
/// Coach's row is the whole client, with its limits, retries, circuit and telemetry round the parser.
/// </summary>
[MemoryDiagnoser]
public abstract class StreamBenchmarks(string provider, string? protocol = null)
{
    private ServiceProvider _services = null!;
    private HttpClient _http = null!;
    private ClientLease<IChatClient> _lease;
    private byte[][] _events = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        byte[] body = Body();
        _http = new HttpClient(new MemoryHandler(body));
        _events =
        [
            .. Encoding.UTF8.GetString(body).Split('\n', StringSplitOptions.TrimEntries)
                .Where(line => line.StartsWith("data: ", StringComparison.Ordinal))
                .Select(line => Encoding.UTF8.GetBytes(line[6..])),
        ];
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
            options.OpenAI.Protocol = protocol;
        }).HttpClient.ConfigurePrimaryHttpMessageHandler(() => new MemoryHandler(body));
        _services = services.BuildServiceProvider();
        var key = new ApiKey(provider, Secret.From("a-key-for-the-benchmark"));
        _lease = await _services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("bench"), key);
        if (await Coach() != await JsonDocumentPerEvent() || Decoder() != await Coach())
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
        await foreach (ChatResponseUpdate update in StraightforwardAsync(_http))
        {
            length += update.Text.Length;
        }

        return length;
    }

    /// <summary>The session's client as a host uses it.</summary>
    [Benchmark]
    public Task<int> Coach() => ReadAsync(_lease.Client);

    /// <summary>The part of it that turns the data of events into updates, alone.</summary>
    [Benchmark]
    public int Decoder()
    {
        StreamDecoder decoder = NewDecoder();
        int length = 0;
        foreach (byte[] data in _events)
        {
            length += decoder.Decode([], data)?.Text.Length ?? 0;
        }

        return length + (decoder.Finish()?.Text.Length ?? 0);
    }

    /// <summary>Reads a client's whole stream.</summary>
    /// <returns>How long its text is, in characters.</returns>
    protected static async Task<int> ReadAsync(IChatClient client)
    {
        int length = 0;
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("hi"))
        {
            length += update.Text.Length;
        }

        return length;
    }

    /// <summary>A client that gets the same bytes, for a provider's own SDK.</summary>
    protected HttpClient Http => _http;

    private protected abstract StreamDecoder NewDecoder();

    /// <summary>The stream's bytes.</summary>
    protected abstract byte[] Body();

    /// <summary>The straightforward reader of this provider's stream.</summary>
    protected abstract IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync(HttpClient http);

    /// <summary>The events of a stream, as lines with a document each.</summary>
    protected static async IAsyncEnumerable<JsonDocument> EventsAsync(HttpClient http, string address, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && line != "data: [DONE]")
            {
                using JsonDocument document = JsonDocument.Parse(line.AsMemory(6));
                yield return document;
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
