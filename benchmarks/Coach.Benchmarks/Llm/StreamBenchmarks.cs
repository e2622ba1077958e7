using System.Net;
using System.Net.Http.Headers;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Llm;

/// <summary>
/// Two contenders read the same bytes of a stream from the same in-memory HTTP handler and hand out the same text.
/// Coach's row is the whole client, with its limits, retries, circuit and telemetry round the parser.
/// </summary>
[MemoryDiagnoser]
public abstract class StreamBenchmarks(string provider)
{
    private ServiceProvider _services = null!;
    private HttpClient _http = null!;
    private ClientLease<IChatClient> _lease;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        byte[] body = Body();
        _http = new HttpClient(new MemoryHandler(body));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
        }).HttpClient.ConfigurePrimaryHttpMessageHandler(() => new MemoryHandler(body));
        _services = services.BuildServiceProvider();
        var key = new ApiKey(provider, Secret.From("a-key-for-the-benchmark"));
        _lease = await _services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("bench"), key);
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
        await foreach (ChatResponseUpdate update in StraightforwardAsync(_http))
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

    /// <summary>The stream's bytes.</summary>
    protected abstract byte[] Body();

    /// <summary>The straightforward reader of this provider's stream.</summary>
    protected abstract IAsyncEnumerable<ChatResponseUpdate> StraightforwardAsync(HttpClient http);

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
