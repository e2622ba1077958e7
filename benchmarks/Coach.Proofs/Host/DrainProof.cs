using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Hosting;

namespace Coach.Proofs.Host;

/// <summary>What a stop looked like from outside.</summary>
/// <param name="Cases">How many promises were looked at.</param>
/// <param name="Failures">Those that were broken.</param>
/// <param name="NotReadyMs">From the signal to the first /readyz that was 503, in milliseconds.</param>
/// <param name="LastTakenSeconds">When new work was taken last.</param>
/// <param name="CutSeconds">When the stream that did not end was told so.</param>
/// <param name="StopSeconds">From the signal to the end of the host.</param>
/// <param name="Failed">How many were broken.</param>
internal sealed record DrainResult(
    int Cases, IReadOnlyList<string> Failures, double NotReadyMs, double LastTakenSeconds, double CutSeconds, double StopSeconds, int Failed);

/// <summary>
/// A host with three answers running is told to stop: one ends within the drain, one within 25 s, one never.
/// </summary>
internal static partial class DrainProof
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    public static async Task<DrainResult> RunAsync()
    {
        var failures = new List<string>();
        int cases = 0;
        ProofHost host = await ProofHost.StartAsync(
            new() { ["Coach:Drain"] = "00:00:05", ["Coach:Mode"] = "mock" }, build: coach => coach.Chat.Use((inner, _) => new SlowClient(inner)));
        string cookie = await host.VisitAsync();
        long start = 0;
        Task<(RawAnswer Answer, double At)>[] streams = [.. new[] { 2, 15, 600 }.Select(seconds => StreamAsync(host, cookie, seconds))];
        await Task.WhenAll(SlowClient.Started.Take(streams.Length).Select(started => started.Task));

        start = Stopwatch.GetTimestamp();
        Task stopped = StopAsync(host);
        double notReady = -1;
        double lastTaken = -1;
        bool? hasRetryAfter = null;
        while (Seconds() < 26 && !stopped.IsCompleted)
        {
            if (notReady < 0 && (await TryAsync(host, "/readyz"))?.Status == 503)
            {
                notReady = Seconds();
            }

            RawAnswer? work = await TryAsync(host, "/api/session");
            if (work?.Status == 200)
            {
                lastTaken = Seconds();
            }
            else if (work?.Status == 503)
            {
                hasRetryAfter = (hasRetryAfter ?? true) && work.Header("Retry-After") is not null;
            }

            await Task.Delay(Step);
        }

        (RawAnswer Answer, double At)[] answers = await Task.WhenAll(streams);
        await stopped;
        double stop = Seconds();
        Check("/readyz is 503 at once", notReady is >= 0 and < 1);
        Check("new work is taken for 5 s", lastTaken is > 4 and < 6);
        Check("then 503 with Retry-After", hasRetryAfter == true);
        Check("an answer of 2 s is complete", IsWhole(answers[0].Answer));
        Check("an answer of 15 s is complete", IsWhole(answers[1].Answer));
        Check("an answer without end is told so, with a code", ErrorEvent().IsMatch(answers[2].Answer.Body));
        Check("at 25 s, not before", answers[2].At is > 24 and < 27);
        Check("the host ends within 30 s", stop <= 30);
        await host.DisposeAsync();
        return new DrainResult(
            cases, failures, Math.Round(notReady * 1000), Math.Round(lastTaken, 1), Math.Round(answers[2].At, 1), Math.Round(stop, 1), failures.Count);

        double Seconds() => Stopwatch.GetElapsedTime(start).TotalSeconds;

        void Check(string name, bool holds)
        {
            cases++;
            Console.WriteLine($"{(holds ? "held    " : "FAILED  ")}{name}");
            if (!holds)
            {
                failures.Add(name);
            }
        }

        async Task<(RawAnswer Answer, double At)> StreamAsync(ProofHost streaming, string session, int seconds)
        {
            RawAnswer answer = await streaming.AskAsync(session, seconds.ToString(CultureInfo.InvariantCulture));
            return (answer, Seconds());
        }
    }

    private static bool IsWhole(RawAnswer answer) => answer.Body.Contains("event: done", StringComparison.Ordinal);

    // As a signal does: the lifetime first, then the host.
    private static async Task StopAsync(ProofHost host)
    {
        host.App.Lifetime.StopApplication();
        await host.App.StopAsync();
    }

    private static async Task<RawAnswer?> TryAsync(ProofHost host, string path)
    {
        try
        {
            return await host.SendAsync("GET", path);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            return null;
        }
    }

    [GeneratedRegex("event: error\ndata: \\{\"code\":\"ERR_[A-Z_]+\"")]
    private static partial Regex ErrorEvent();

    /// <summary>Answers a word a second, for as many seconds as the question says.</summary>
    private sealed class SlowClient(IChatClient inner) : DelegatingChatClient(inner)
    {
        private static int _started;

        public static TaskCompletionSource[] Started { get; } = [new(), new(), new()];

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            int seconds = int.Parse(messages.Last().Text, CultureInfo.InvariantCulture);
            for (int i = 0; i < seconds; i++)
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, "word ");
                if (i == 0)
                {
                    Started[(Interlocked.Increment(ref _started) - 1) % Started.Length].TrySetResult();
                }

                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }
}
