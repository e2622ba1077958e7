using System.Net;
using System.Net.Sockets;
using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks;

/// <summary>
/// How much later is the first token there than the first bytes of a plain HttpClient read of the same answer on loopback? Each iteration is
/// one request up to its first token; the server sends the rest, and the contender reads it, outside the measurement.
/// </summary>
[MemoryDiagnoser]
[Config(typeof(OneRequestConfig))]
public class FirstTokenBenchmarks
{
    private readonly HttpClient _http = new();
    private FirstTokenServer _server = null!;
    private ServiceProvider _services = null!;
    private ClientLease<IChatClient> _lease;
    private HttpResponseMessage? _response;
    private Stream? _stream;
    private IAsyncEnumerator<ChatResponseUpdate>? _updates;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _server = new FirstTokenServer();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Gemini.BaseUrl = _server.Address;
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
        });
        _services = services.BuildServiceProvider();
        _lease = await _services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("bench"), new ApiKey("gemini", Secret.From("a-key-for-the-benchmark")));
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        _lease.Dispose();
        await _services.DisposeAsync();
        _http.Dispose();
        _server.Dispose();
    }

    /// <summary>Sends the request and reads until the first event's bytes are there.</summary>
    [Benchmark(Baseline = true, Description = "HttpClient: first bytes")]
    public async Task<int> RawHttpClient()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server.Address, "v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"))
        {
            Content = new StringContent("""{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":2048}}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("x-goog-api-key", "a-key-for-the-benchmark");
        _response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        _stream = await _response.Content.ReadAsStreamAsync();
        return await _stream.ReadAsync(new byte[16 * 1024]);
    }

    /// <summary>The session's client until its first update; the difference to the row above is everything Coach adds.</summary>
    [Benchmark(Description = "Coach: first update")]
    public async Task<int> Coach()
    {
        _updates = _lease.Client.GetStreamingResponseAsync("hi").GetAsyncEnumerator();
        return await _updates.MoveNextAsync() ? _updates.Current.Text.Length : throw new InvalidOperationException("There is no first token.");
    }

    /// <summary>Reads the rest of the answer, so that the connection is used again.</summary>
    [IterationCleanup]
    public void ReadTheRest() => ReadTheRestAsync().GetAwaiter().GetResult();

    private async Task ReadTheRestAsync()
    {
        _server.SendTheRest();
        if (_stream is not null)
        {
            await _stream.CopyToAsync(Stream.Null);
            _response!.Dispose();
            (_stream, _response) = (null, null);
        }

        if (_updates is not null)
        {
            while (await _updates.MoveNextAsync())
            {
                // The last event and its usage.
            }

            await _updates.DisposeAsync();
            _updates = null;
        }
    }

    private sealed class OneRequestConfig : ManualConfig
    {
        public OneRequestConfig() => AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithGcForce(false)
            .WithInvocationCount(1).WithUnrollFactor(1).WithWarmupCount(500).WithIterationCount(2000));
    }

    /// <summary>Answers every request with one event at once and the last one when told to.</summary>
    private sealed class FirstTokenServer : IDisposable
    {
        private static readonly byte[] First = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + Chunk("data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"The first\"}],\"role\": \"model\"},\"index\": 0}],"
                + "\"usageMetadata\": {\"promptTokenCount\": 12,\"totalTokenCount\": 12},\"modelVersion\": \"gemini-3.8-flash\",\"responseId\": \"r-1\"}\r\n\r\n"));

        private static readonly byte[] Last = Encoding.ASCII.GetBytes(
            Chunk("data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" and the last\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}]}\r\n\r\n") + "0\r\n\r\n");

        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly SemaphoreSlim _rest = new(0);

        public FirstTokenServer()
        {
            _listener.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
            _ = AcceptAsync();
        }

        public Uri Address { get; }

        public void SendTheRest() => _rest.Release();

        public void Dispose() => _listener.Dispose();

        private static string Chunk(string text) => $"{text.Length:x}\r\n{text}\r\n";

        private async Task AcceptAsync()
        {
            while (true)
            {
                try
                {
                    _ = ServeAsync(await _listener.AcceptSocketAsync());
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        }

        private async Task ServeAsync(Socket socket)
        {
            socket.NoDelay = true;
            byte[] buffer = new byte[16 * 1024];
            int end = 0;
            using (socket)
            {
                while (true)
                {
                    int read = await socket.ReceiveAsync(buffer.AsMemory(end));
                    if (read == 0)
                    {
                        return;
                    }

                    end += read;
                    if (IsWhole(buffer.AsSpan(0, end)))
                    {
                        end = 0;
                        await socket.SendAsync(First);
                        await _rest.WaitAsync();
                        await socket.SendAsync(Last);
                    }
                }
            }
        }

        private static bool IsWhole(ReadOnlySpan<byte> request)
        {
            int head = request.IndexOf("\r\n\r\n"u8);
            int length = request.IndexOf("Content-Length: "u8);
            return head >= 0 && length >= 0
                && System.Buffers.Text.Utf8Parser.TryParse(request[(length + 16)..], out int body, out _) && request.Length >= head + 4 + body;
        }
    }
}
