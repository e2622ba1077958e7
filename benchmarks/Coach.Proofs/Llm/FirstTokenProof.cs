using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Llm;

/// <summary>Times from the call to the first token, in microseconds.</summary>
/// <param name="Requests">How many of each kind were made, in turns.</param>
/// <param name="RawMedianUs">A plain HttpClient, until the first event's bytes are read.</param>
/// <param name="CoachMedianUs">A session's client, until its first update.</param>
/// <param name="AddedMedianUs">The difference.</param>
/// <param name="RawP90Us">Nine of ten plain reads were at least as fast.</param>
/// <param name="CoachP90Us">Nine of ten updates came at least as fast.</param>
internal sealed record FirstTokenResult(int Requests, double RawMedianUs, double CoachMedianUs, double AddedMedianUs, double RawP90Us, double CoachP90Us);

/// <summary>
/// How much later is the first token there than the first bytes of a plain HttpClient read of the same answer on loopback? The clock stops
/// at the first token; the server sends the rest, and it is read, outside the measurement.
/// </summary>
internal static class FirstTokenProof
{
    private const int WarmUp = 2000;

    public static async Task<FirstTokenResult> RunAsync(int requests)
    {
        using var server = new FirstTokenServer();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.Gemini.BaseUrl = server.Address;
            options.Limits.SessionCallsPerMinute = 0;
            options.Limits.KeyCallsPerMinute = 0;
        });
        await using ServiceProvider provider = services.BuildServiceProvider();
        using ClientLease<IChatClient> lease = await provider.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("proof"), new ApiKey("gemini", Secret.From("a-key-for-the-proof")));
        using var http = new HttpClient();
        var raw = new double[requests];
        var coach = new double[requests];
        for (int i = -WarmUp; i < requests; i++)
        {
            double plain = await RawAsync(http, server);
            double update = await CoachAsync(lease.Client, server);
            if (i >= 0)
            {
                (raw[i], coach[i]) = (plain, update);
            }
        }

        Array.Sort(raw);
        Array.Sort(coach);
        return new FirstTokenResult(requests, Round(raw[requests / 2]), Round(coach[requests / 2]), Round(coach[requests / 2] - raw[requests / 2]),
            Round(raw[requests * 9 / 10]), Round(coach[requests * 9 / 10]));
    }

    private static double Round(double microseconds) => Math.Round(microseconds, 1);

    private static async Task<double> RawAsync(HttpClient http, FirstTokenServer server)
    {
        long start = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"))
        {
            Content = new StringContent("""{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":2048}}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("x-goog-api-key", "a-key-for-the-proof");
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Stream stream = await response.Content.ReadAsStreamAsync();
        int read = await stream.ReadAsync(new byte[16 * 1024]);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        server.SendTheRest();
        await stream.CopyToAsync(Stream.Null);
        return read > 0 ? elapsed : throw new InvalidOperationException("There is no first token.");
    }

    private static async Task<double> CoachAsync(IChatClient client, FirstTokenServer server)
    {
        long start = Stopwatch.GetTimestamp();
        await using IAsyncEnumerator<ChatResponseUpdate> updates = client.GetStreamingResponseAsync("hi").GetAsyncEnumerator();
        bool any = await updates.MoveNextAsync() && updates.Current.Text == "The first";
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        server.SendTheRest();
        while (await updates.MoveNextAsync())
        {
            // The last event and its usage.
        }

        return any ? elapsed : throw new InvalidOperationException("There is no first token.");
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
