using System.Text;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks;

/// <summary>How much later does the first token come than the first bytes of a plain HttpClient read of the same answer on loopback?</summary>
[MemoryDiagnoser]
public class FirstTokenBenchmarks
{
    private readonly HttpClient _http = new();
    private ProviderFake _fake = null!;
    private ServiceProvider _services = null!;
    private ClientLease<IChatClient> _lease;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _fake = await ProviderFake.StartAsync();
        _fake.SetKey("gemini", "a-key-for-the-benchmark");
        _fake.AnswerAlways("gemini", _ => ScriptedAnswer.Text("one two three"));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Gemini.BaseUrl = _fake.BaseUrl("gemini");
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
        await _fake.DisposeAsync();
        _http.Dispose();
    }

    /// <summary>Reads on to the end after the first bytes, as both contenders do, so that the connection is used again.</summary>
    [Benchmark(Baseline = true)]
    public async Task<int> RawHttpClient()
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post, $"{_fake.BaseUrl("gemini")}/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse")
        {
            Content = new StringContent("""{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":2048}}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("x-goog-api-key", "a-key-for-the-benchmark");
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using Stream stream = await response.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[16 * 1024];
        int total = 0;
        while (await stream.ReadAsync(buffer) is > 0 and int read)
        {
            total += read;
        }

        return total;
    }

    /// <summary>The session's client; the difference to the row above holds everything Coach adds to a call.</summary>
    [Benchmark]
    public async Task<int> Coach()
    {
        int updates = 0;
        await foreach (ChatResponseUpdate update in _lease.Client.GetStreamingResponseAsync("hi"))
        {
            updates += update.Contents.Count;
        }

        return updates;
    }
}
