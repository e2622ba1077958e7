using System.Net;
using System.Net.Sockets;
using System.Text;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Llm;

/// <summary>What does a validation add to the HTTP call it makes? Both ask the same loopback server over a kept connection.</summary>
[MemoryDiagnoser]
public class ValidationBenchmarks
{
    private const string Body = """{"models":[{"name":"models/gemini-3.8-flash","version":"3.8","displayName":"Gemini 3.8 Flash","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}],"nextPageToken":"n"}""";

    private readonly ApiKey _key = new(ProviderNames.Gemini, Secret.From("AIza0123456789abcdef0123456789abcdef012"));
    private readonly CancellationTokenSource _stop = new();
    private TcpListener _listener = null!;
    private ServiceProvider _services = null!;
    private IApiKeyValidator _validator = null!;
    private HttpClient _http = null!;
    private Uri _address = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        _ = ServeAsync();
        var root = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _address = new Uri(root, "/v1beta/models?pageSize=1");
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Gemini.BaseUrl = root;
            options.Validation.CacheDuration = TimeSpan.Zero; // every validation asks
        });
        _services = services.BuildServiceProvider();
        _validator = _services.GetRequiredService<IApiKeyValidator>();
        _http = new HttpClient(new SocketsHttpHandler());
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        _http.Dispose();
        await _services.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "HttpClient: send and read")]
    public async Task<byte[]> HttpCall()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _address);
        request.Headers.TryAddWithoutValidation("x-goog-api-key", _key.Secret.Reveal());
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await response.Content.ReadAsByteArrayAsync();
    }

    [Benchmark(Description = "Coach: validate")]
    public async Task<KeyStatus> Validate() => (await _validator.ValidateAsync(_key)).Status;

    // The least server there is, so that the calls' own cost shows.
    private async Task ServeAsync()
    {
        byte[] answer = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: {Body.Length}\r\n\r\n{Body}");
        try
        {
            while (true)
            {
                TcpClient connection = await _listener.AcceptTcpClientAsync(_stop.Token);
                connection.NoDelay = true;
                _ = AnswerAsync(connection, answer);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the run is over
        }
    }

    private static async Task AnswerAsync(TcpClient connection, byte[] answer)
    {
        using (connection)
        {
            NetworkStream stream = connection.GetStream();
            byte[] buffer = new byte[8192];
            int count = 0;
            int read;
            while ((read = await stream.ReadAsync(buffer.AsMemory(count))) > 0)
            {
                count += read;
                if (buffer.AsSpan(0, count).EndsWith("\r\n\r\n"u8))
                {
                    await stream.WriteAsync(answer);
                    count = 0;
                }
            }
        }
    }
}
