using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Coach.Proofs.Deployment;

/// <summary>What many runs at once cost.</summary>
/// <param name="Cases">Runs.</param>
/// <param name="Failed">Runs without the answer that was due, and limits that were passed.</param>
/// <param name="Failures">What was passed.</param>
/// <param name="Tokens">Token frames that came.</param>
/// <param name="P50DelayMs">From a token's making to its arrival, half of all, in milliseconds.</param>
/// <param name="P99DelayMs">The same, for all but one in a hundred.</param>
/// <param name="MaxDelayMs">The longest.</param>
/// <param name="KilobytesPerConnection">What an open WebSocket holds of the managed heap before its run begins.</param>
/// <param name="KilobytesPerRun">What the heap, collected, held more while all runs went on, each.</param>
/// <param name="ResidentKilobytesPerRun">What the process grew by, each: buffers and garbage, too.</param>
/// <param name="Seconds">From the first run to the last answer.</param>
/// <param name="ProcessorSeconds">Processor time of the host.</param>
internal sealed record ProcessorLoadResult(
    int Cases, int Failed, IReadOnlyList<string> Failures, long Tokens, long P50DelayMs, long P99DelayMs, long MaxDelayMs,
    double KilobytesPerConnection, double KilobytesPerRun, double ResidentKilobytesPerRun, double Seconds, double ProcessorSeconds);

/// <summary>
/// Mock runs at once against samples/Processor as a process of its own: all connect, then all begin within a second and stream together. Client and
/// host share the machine, so other work on it shows in the delays.
/// </summary>
internal static class ProcessorLoadProof
{
    private const double MaxKilobytes = 20;
    private const long MaxDelay = 50;

    public static async Task<ProcessorLoadResult> RunAsync(int runs, TimeSpan pause)
    {
        await using SampleProcess host = await SampleProcess.StartAsync("Processor", "/healthz", new()
        {
            ["CI"] = "false",
            ["Processor__ReceiveTimeout"] = "00:05:00",
            ["DOTNET_GCgen0size"] = "0x400000", // collections come often enough for the figure of the heap to be fresh
            ["Processor__MaxRuns"] = (runs + 200).ToString(CultureInfo.InvariantCulture),
            ["Processor__Mock__TokenDelay"] = pause.ToString("c", CultureInfo.InvariantCulture),
            ["Processor__Artifacts__Directory"] = Path.Combine(Path.GetTempPath(), "coach-proof-" + Guid.NewGuid().ToString("N")),
        });
        var address = new Uri($"ws://127.0.0.1:{host.Port}/run");
        var delays = new long[10_000];
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => RunOneAsync(address, $"warm-{i}", delays, null, Task.CompletedTask, static () => { })));
        Array.Clear(delays);
        long before = host.ResidentBytes;
        long heapEmpty = await host.HeapBytesAsync();
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int left = runs;
        Task<string?[]> all = Task.WhenAll(Enumerable.Range(0, runs).Select(async i =>
        {
            // Spread over a second, as visitors come.
            await Task.Delay(TimeSpan.FromMilliseconds(i * 1000.0 / runs));
            return await RunOneAsync(address, $"run-{i}", delays, "number " + i, BeginAsync(i), () =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                {
                    connected.TrySetResult();
                }
            });
        }));
        await Task.WhenAny(connected.Task, all);
        long heapBefore = await host.HeapBytesAsync();
        long heapPeak = heapBefore;
        long begun = Stopwatch.GetTimestamp();
        TimeSpan processor = host.ProcessorTime;
        long peak = before;
        using var sampling = new CancellationTokenSource();
        Task sampler = SampleAsync();
        start.TrySetResult();
        string?[] problems = await all;
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await sampling.CancelAsync();
        await sampler;
        long tokens = delays.Sum();
        var failures = problems.OfType<string>().Distinct().Take(10).ToList();
        int failed = problems.Count(problem => problem is not null);
        double kilobytes = Math.Round((heapPeak - heapBefore) / 1024.0 / runs, 1);
        long p99 = Percentile(delays, tokens, 0.99);
        if (p99 > MaxDelay)
        {
            failures.Add($"p99 of token delays is {p99} ms; at most {MaxDelay}");
            failed++;
        }

        if (kilobytes > MaxKilobytes)
        {
            failures.Add($"{kilobytes} KB a run; at most {MaxKilobytes}");
            failed++;
        }

        return new ProcessorLoadResult(
            runs, failed, failures, tokens, Percentile(delays, tokens, 0.5), p99, Array.FindLastIndex(delays, count => count > 0),
            Math.Round((heapBefore - heapEmpty) / 1024.0 / runs, 1), kilobytes,
            Math.Round((peak - before) / 1024.0 / runs, 1), Math.Round(seconds, 1), Math.Round((host.ProcessorTime - processor).TotalSeconds, 1));

        // Within a second, too: each streams for several, so that all go on at once.
        async Task BeginAsync(int i)
        {
            await start.Task;
            await Task.Delay(TimeSpan.FromMilliseconds(i * 1000.0 / runs));
        }

        async Task SampleAsync()
        {
            while (!sampling.IsCancellationRequested)
            {
                peak = Math.Max(peak, host.ResidentBytes);
                heapPeak = Math.Max(heapPeak, await host.HeapBytesAsync());
                await Task.Delay(250);
            }
        }
    }

    private static async Task<string?> RunOneAsync(
        Uri address, string id, long[] delays, string? words, Task start, Action connected)
    {
        string text = string.Join(' ', Enumerable.Range(0, 18).Select(i => $"w{i}")) + " " + (words ?? "warm");
        try
        {
            using var socket = new ClientWebSocket();
            socket.Options.AddSubProtocol("theory.run.v1");
            await socket.ConnectAsync(address, CancellationToken.None);
            connected();
            await start;
            byte[] open = JsonSerializer.SerializeToUtf8Bytes(new
            {
                kind = "Request",
                control = new { run_id = id, mode = "mock" },
                inputs = new { messages = new[] { new { role = "user", content = text } } },
            });
            await socket.SendAsync(open, WebSocketMessageType.Text, true, CancellationToken.None);
            byte[] buffer = new byte[2048];
            var answer = new StringBuilder();
            while (true)
            {
                ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return "closed before the answer";
                }

                if (Read(buffer.AsSpan(0, part.Count), now, answer, delays))
                {
                    break;
                }
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
            return answer.ToString() == "Mock response: " + text ? null : "another answer than was due";
        }
        catch (WebSocketException failure)
        {
            return "socket: " + failure.WebSocketErrorCode;
        }
    }

    // Whether it was the last frame.
    private static bool Read(ReadOnlySpan<byte> frame, long now, StringBuilder answer, long[] delays)
    {
        var reader = new Utf8JsonReader(frame);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        string? kind = document.RootElement.GetProperty("kind").GetString();
        if (kind == "Token")
        {
            answer.Append(document.RootElement.GetProperty("data").GetProperty("text").GetString());
            long delay = Math.Clamp(now - document.RootElement.GetProperty("t").GetInt64(), 0, delays.Length - 1);
            Interlocked.Increment(ref delays[delay]);
        }

        return kind == "Response";
    }

    private static long Percentile(long[] counts, long all, double share)
    {
        long seen = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= all * share)
            {
                return i;
            }
        }

        return counts.Length;
    }
}
