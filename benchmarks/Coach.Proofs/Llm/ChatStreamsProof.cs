using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.Proofs.Llm;

/// <summary>What a host adds to answers that many people read at once.</summary>
/// <param name="Streams">Answers at a time, each in a session with a key of its own.</param>
/// <param name="TokensPerSecond">Tokens a second of each.</param>
/// <param name="Tokens">Tokens that were read through the host.</param>
/// <param name="Failed">Answers that failed or were not whole.</param>
/// <param name="DirectP99Ms">From the provider's write to the reader, without the host: 99 of 100 tokens took at most this.</param>
/// <param name="HostP50Ms">The same through the host, for every second token.</param>
/// <param name="HostP99Ms">The same through the host, for 99 of 100.</param>
/// <param name="AddedP99Ms">The difference.</param>
/// <param name="CpuMsPer1000Tokens">Processor time for 1,000 tokens, readers and provider included.</param>
/// <param name="DirectCpuMsPer1000Tokens">Of that, what readers and provider take without the host.</param>
/// <param name="Knee">The most streams at a time that were within the limit; null unless it was looked for.</param>
internal sealed record ChatStreamsResult(
    int Streams, int TokensPerSecond, long Tokens, int Failed, double DirectP99Ms, double HostP50Ms, double HostP99Ms, double AddedP99Ms,
    double CpuMsPer1000Tokens, double DirectCpuMsPer1000Tokens, int? Knee = null);

/// <summary>
/// Many answers at a time through <c>/api/chat</c> on loopback: provider, host and readers in this process. Each token says when the
/// provider wrote it; how much later does its reader have it, and what does it cost?
/// </summary>
internal sealed class ChatStreamsProof(int rate, TimeSpan duration)
{
    /// <summary>What a host may add, in milliseconds.</summary>
    public const double Limit = 20;

    private const string Question = "/api/chat";

    // The compiler settles what is called often beside the load, and hardly at all under it.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private const int WarmUps = 30;
    private const int WarmStreams = 40;

    public async Task<ChatStreamsResult> RunAsync(int streams, bool findsKnee)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("coach-streams-");
        try
        {
            await using TimedProvider provider = TimedProvider.Start(rate);
            await using WebApplication host = Build(provider.BaseUrl, folder.FullName);
            await host.StartAsync();
            using HttpClient http = Client(new Uri(host.Urls.First()));
            List<string> cookies = [];
            ChatStreamsResult first = await OneAsync(http, provider, cookies, streams);
            int? knee = !findsKnee ? null : first.AddedP99Ms <= Limit ? streams : 0;
            for (int more = streams * 3 / 2; knee == more * 2 / 3 && findsKnee; more = more * 3 / 2)
            {
                ChatStreamsResult next = await OneAsync(http, provider, cookies, more);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{more} streams: added p99 {next.AddedP99Ms} ms, {next.Failed} failed"));
                knee = next is { Failed: 0, AddedP99Ms: <= Limit } ? more : knee;
            }

            return first with { Knee = knee };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static HttpClient Client(Uri address) => new(new SocketsHttpHandler { UseCookies = false })
    {
        BaseAddress = address,
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private static WebApplication Build(Uri provider, string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = folder });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "auto",
            ["Coach:Rag:IndexFile"] = Path.Combine(folder, "knowledge.coach"),
            ["Coach:Rag:Knowledge"] = Directory.CreateDirectory(Path.Combine(folder, "knowledge")).FullName,
            ["Coach:Llm:OpenAI:BaseUrl"] = provider.ToString(),
            ["Coach:Llm:Sessions:MaxSessions"] = "100000",
            ["Coach:RateLimits:AddressBurst"] = "100000",
            ["Coach:RateLimits:AddressPerMinute"] = "1000000",
            ["Coach:RateLimits:KeyChecksPerMinute"] = "100000",
        });
        builder.AddCoach();
        WebApplication app = builder.Build();
        app.UseCoach();
        app.MapCoach();
        return app;
    }

    private async Task<ChatStreamsResult> OneAsync(
        HttpClient http, TimedProvider provider, List<string> cookies, int streams)
    {
        while (cookies.Count < streams)
        {
            cookies.Add(await EnterAsync(http, $"sk-proof-{cookies.Count}"));
        }

        for (int round = 0; round < WarmUps; round++)
        {
            Through(WarmUp, Math.Min(streams, WarmStreams));
        }

        Through(WarmUp, streams);
        Phase plain = Measure(provider, duration, reader => reader.ReadAll(
            provider.BaseUrl, "/v1/chat/completions", """{"stream":true}""", [.. Enumerable.Repeat("", streams)]));
        Phase through = Through(duration, streams);
        return new ChatStreamsResult(
            streams, rate, through.Milliseconds.Length, plain.Failed + through.Failed, plain.At(0.99), through.At(0.5), through.At(0.99),
            Math.Round(through.At(0.99) - plain.At(0.99), 1), through.CpuPer1000, plain.CpuPer1000);

        Phase Through(TimeSpan length, int count) => Measure(provider, length, reader => reader.ReadAll(
            http.BaseAddress!, Question, """{"message":"hi"}""", [.. cookies.Take(count).Select(cookie => $"Cookie: {cookie}\r\n")]));
    }

    private static Phase Measure(TimedProvider provider, TimeSpan length, Func<AnswerReader, List<double>?[]> read)
    {
        provider.Length = length;
        using var process = Process.GetCurrentProcess();
        TimeSpan before = process.TotalProcessorTime;
        List<double>?[] all = read(new AnswerReader());
        process.Refresh();
        double[] times = [.. all.OfType<List<double>>().SelectMany(one => one).Order()];
        double cpu = (process.TotalProcessorTime - before).TotalMilliseconds;
        return new Phase(times, all.Count(one => one is null), Math.Round(cpu * 1000 / Math.Max(1, times.Length), 2));
    }

    private static async Task<string> EnterAsync(HttpClient http, string key)
    {
        using HttpResponseMessage response = await http.PostAsync("/api/session/keys", JsonContent.Create(new { provider = "openai", apiKey = key }));
        return response.StatusCode == HttpStatusCode.OK
            ? response.Headers.GetValues("Set-Cookie").Single().Split(';')[0]
            : throw new InvalidOperationException($"A key was not taken: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    private sealed record Phase(double[] Milliseconds, int Failed, double CpuPer1000)
    {
        public double At(double share) =>
            Milliseconds.Length == 0 ? 0 : Math.Round(Milliseconds[(int)((Milliseconds.Length - 1) * share)], 1);
    }
}
