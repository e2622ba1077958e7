using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.Proofs.Llm;

/// <summary>What a host's people saw while some of their keys failed in every way.</summary>
/// <param name="Cases">Questions of those whose keys work.</param>
/// <param name="Failed">Those among them that were refused, failed, or were not answered in full.</param>
/// <param name="Seed">Decides the order.</param>
/// <param name="Keys">Sessions, each with a key of its own.</param>
/// <param name="FailingKeys">Keys that leak, are slow, used up or fail.</param>
/// <param name="Refusals">Refusals that the others saw.</param>
/// <param name="FailingQuestions">Questions with the failing keys, in bursts of eight.</param>
/// <param name="FailingOutcomes">What became of these, by error code.</param>
/// <param name="OthersOutcomes">What became of the others' questions.</param>
/// <param name="OthersP99Ms">The time in which 99 of 100 of the others had their answer, in milliseconds.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record AbuseResult(
    int Cases, int Failed, int Seed, int Keys, int FailingKeys, int Refusals, int FailingQuestions,
    IReadOnlyDictionary<string, int> FailingOutcomes, IReadOnlyDictionary<string, int> OthersOutcomes, double OthersP99Ms, double Seconds);

/// <summary>
/// A chat host over HTTP: 1,000 sessions with a key each, of which 100 are refused, rate limited, used up, answered with 500, reset, left
/// without an answer, cut off or given rubbish, eight questions at once. Do the other 900 see any of it?
/// </summary>
internal sealed partial class AbuseProof(int keys, int failing, int seed)
{
    private const int Rounds = 3;
    private const int Burst = 8;
    private const int Parallel = 64;

    private static readonly KeyFate[] Fates = [.. Enum.GetValues<KeyFate>().Where(fate => fate != KeyFate.Answers)];

    private readonly ConcurrentDictionary<string, int> _failingOutcomes = new();
    private readonly ConcurrentDictionary<string, int> _othersOutcomes = new();
    private readonly ConcurrentBag<double> _times = [];

    public async Task<AbuseResult> RunAsync()
    {
        long start = Stopwatch.GetTimestamp();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("coach-abuse-");
        try
        {
            await using KeyedProvider provider = await KeyedProvider.StartAsync();
            await using WebApplication host = Build(provider, folder.FullName);
            await host.StartAsync();
            using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri(host.Urls.First()), Timeout = TimeSpan.FromMinutes(10) };
            string[] cookies = new string[keys];
            var limit = new ParallelOptions { MaxDegreeOfParallelism = Parallel };
            await System.Threading.Tasks.Parallel.ForAsync(0, keys, limit, async (i, _) =>
            {
                provider.Set(KeyOf(i), KeyFate.Answers);
                cookies[i] = await EnterAsync(http, KeyOf(i));
            });
            for (int i = 0; i < failing; i++)
            {
                provider.Set(KeyOf(i), Fates[i % Fates.Length]);
            }

            var random = new Random(seed);
            for (int round = 0; round < Rounds; round++)
            {
                int[] order = [.. Enumerable.Range(0, keys)];
                if (round > 0)
                {
                    random.Shuffle(order); // the first round has the failing keys first
                }

                await System.Threading.Tasks.Parallel.ForEachAsync(order, limit, async (i, _) =>
                {
                    if (i < failing)
                    {
                        await Task.WhenAll(Enumerable.Range(0, Burst).Select(_ => AskAsync(http, cookies[i], _failingOutcomes, isTimed: false)));
                    }
                    else
                    {
                        await AskAsync(http, cookies[i], _othersOutcomes, isTimed: true);
                    }
                });
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        int cases = _othersOutcomes.Values.Sum();
        int good = _othersOutcomes.GetValueOrDefault("answered");
        double[] times = [.. _times.Order()];
        return new AbuseResult(
            cases, cases - good, seed, keys, failing, cases - good, _failingOutcomes.Values.Sum(),
            new SortedDictionary<string, int>(_failingOutcomes), new SortedDictionary<string, int>(_othersOutcomes),
            Math.Round(times[(int)(times.Length * 0.99)], 1), Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1));
    }

    private static WebApplication Build(KeyedProvider provider, string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = folder });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "auto",
            ["Coach:Rag:IndexFile"] = Path.Combine(folder, "knowledge.coach"),
            ["Coach:Rag:Knowledge"] = Directory.CreateDirectory(Path.Combine(folder, "knowledge")).FullName,
            ["Coach:Llm:OpenAI:BaseUrl"] = provider.BaseUrl.ToString(),
            ["Coach:Llm:Sessions:MaxSessions"] = "100000",
            ["Coach:Llm:Requests:AttemptTimeout"] = "00:00:02",
            ["Coach:Llm:Requests:FirstTokenTimeout"] = "00:00:02",
            ["Coach:Llm:Requests:MaxRetries"] = "1",
            ["Coach:Llm:Requests:RetryDelay"] = "00:00:00.05",
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

    private static async Task<string> EnterAsync(HttpClient http, string key)
    {
        using HttpResponseMessage response = await http.PostAsync("/api/session/keys", JsonContent.Create(new { provider = "openai", apiKey = key }));
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidOperationException($"A key was not taken: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }

        return response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private async Task AskAsync(HttpClient http, string cookie, ConcurrentDictionary<string, int> outcomes, bool isTimed)
    {
        long start = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { message = "hi" }) };
        request.Headers.Add("Cookie", cookie);
        string outcome;
        using (HttpResponseMessage response = await http.SendAsync(request))
        {
            string body = await response.Content.ReadAsStringAsync();
            outcome = body.Contains("event: done", StringComparison.Ordinal) && body.Contains("\"openai\"", StringComparison.Ordinal)
                ? "answered"
                : Code().Match(body) is { Success: true } code ? code.Groups[1].Value : $"status {(int)response.StatusCode}";
        }

        outcomes.AddOrUpdate(outcome, 1, static (_, count) => count + 1);
        if (isTimed)
        {
            _times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    private static string KeyOf(int session) => $"sk-proof-{session}";

    [GeneratedRegex("\"code\":\"(ERR_[A-Z_]+)\"")]
    private static partial Regex Code();
}
