using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Coach.Proofs.Memo;

/// <summary>What many people at once met.</summary>
/// <param name="Cases">Jobs that were accepted.</param>
/// <param name="Users">People at once.</param>
/// <param name="Calls">Calls that no model is behind, logins left out: their cost is the password's.</param>
/// <param name="P50Ms">Their median in milliseconds.</param>
/// <param name="P95Ms">Their 95th percentile in milliseconds.</param>
/// <param name="QueueFull">How often a submission was told to come again.</param>
/// <param name="Seconds">All of it, logins left out.</param>
/// <param name="Lost">Accepted jobs that are not done.</param>
/// <param name="Errors">Answers that nobody should get.</param>
/// <param name="Failed">Lost and wrong ones, and 1 if the 95th percentile is above 50 ms.</param>
internal sealed record MemoLoadResult(
    int Cases, int Users, int Calls, double P50Ms, double P95Ms, int QueueFull, double Seconds, int Lost, int Errors, int Failed);

/// <summary>
/// People with accounts, all at once, on SQLite in mock mode: each submits, watches, and looks around, with half a second
/// to a second and a half between the looks, as quick people take.
/// </summary>
internal static class MemoLoadProof
{
    private const string Password = "a password for the proof";
    private const int TextsEach = 3;
    private const double LimitMs = 50;

    public static async Task<MemoLoadResult> RunAsync(int users)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("memo-load-");
        try
        {
            using MemoProcess host = MemoProcess.Start(folder.FullName, new()
            {
                ["AUTH_ENABLED"] = "true",
                ["MEMO_ADMIN_USERNAME"] = "admin",
                ["MEMO_ADMIN_PASSWORD"] = Password,
            });
            string config = Directory.CreateDirectory(Path.Combine(folder.FullName, "config")).FullName;
            using var probe = new HttpClient();
            if (!await host.IsReadyAsync(probe))
            {
                throw new InvalidOperationException("The host did not start.");
            }

            // An admin may make 100 people an hour by default; the proof may ask for more.
            await File.WriteAllTextAsync(Path.Combine(config, "auth.yaml"), """
                security_settings:
                  rate_limiting: {requests_per_admin_per_hour: 100000, requests_per_minute: 100000}
                """);
            await Task.Delay(TimeSpan.FromSeconds(5));
            using HttpClient admin = await LoginAsync(host.Address, "admin");
            var people = new List<HttpClient>();
            for (int i = 0; i < users; i++)
            {
                using HttpResponseMessage made = await admin.PostAsJsonAsync("admin/users", new { username = $"user-{i}", password = Password });
                made.EnsureSuccessStatusCode();
                people.Add(await LoginAsync(host.Address, $"user-{i}"));
            }

            var figures = new Figures();
            long began = Stopwatch.GetTimestamp();
            await Task.WhenAll(people.Select((person, i) => VisitAsync(person, new Random(i), figures)));
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            people.ForEach(person => person.Dispose());
            return figures.Result(users, seconds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<HttpClient> LoginAsync(Uri address, string name)
    {
        var client = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = address };
        using HttpResponseMessage login = await client.PostAsJsonAsync("auth/login", new { username = name, password = Password });
        login.EnsureSuccessStatusCode();
        JsonElement session = await client.GetFromJsonAsync<JsonElement>("auth/session");
        client.DefaultRequestHeaders.Add("X-CSRF-Token", session.GetProperty("csrfToken").GetString());
        return client;
    }

    private static async Task VisitAsync(HttpClient client, Random random, Figures figures)
    {
        await Task.Delay(random.Next(1_000));
        for (int i = 0; i < TextsEach; i++)
        {
            await figures.GetAsync(client, "auth/session");
            await ThinkAsync(random);
            await figures.GetAsync(client, "rubric");
            await ThinkAsync(random);
            string id = await SubmitAsync(client, i, figures);
            await client.GetStringAsync($"evaluations/{id}/events");
            JsonElement job = await figures.GetAsync(client, $"evaluations/{id}");
            figures.Ended(job.GetProperty("status").GetString() == "done");
            await ThinkAsync(random);
            await figures.GetAsync(client, "evaluations");
            await ThinkAsync(random);
            await figures.GetAsync(client, "progress");
            await ThinkAsync(random);
        }
    }

    private static Task ThinkAsync(Random random) => Task.Delay(random.Next(500, 1_500));

    private static async Task<string> SubmitAsync(HttpClient client, int number, Figures figures)
    {
        string text = string.Concat(Enumerable.Repeat("We ask for 20% more. The risk is small, because the team tested it. ", 20)) + number;
        while (true)
        {
            long began = Stopwatch.GetTimestamp();
            using HttpResponseMessage response = await client.PostAsJsonAsync("evaluations", new { text });
            figures.Called(began);
            if (response.StatusCode == HttpStatusCode.Accepted)
            {
                return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
            }

            figures.Refused(response.StatusCode == HttpStatusCode.TooManyRequests);
            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }
    }

    private sealed class Figures
    {
        private readonly ConcurrentBag<double> _times = [];
        private int _queueFull;
        private int _errors;
        private int _done;
        private int _lost;

        public void Called(long began) => _times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);

        public void Refused(bool isQueue) => Interlocked.Increment(ref isQueue ? ref _queueFull : ref _errors);

        public void Ended(bool isDone) => Interlocked.Increment(ref isDone ? ref _done : ref _lost);

        public async Task<JsonElement> GetAsync(HttpClient client, string path)
        {
            long began = Stopwatch.GetTimestamp();
            using HttpResponseMessage response = await client.GetAsync(path);
            JsonElement body = await response.Content.ReadFromJsonAsync<JsonElement>();
            Called(began);
            if (!response.IsSuccessStatusCode)
            {
                Interlocked.Increment(ref _errors);
            }

            return body;
        }

        public MemoLoadResult Result(int users, double seconds)
        {
            double[] times = [.. _times.Order()];
            double p95 = times[(int)(.95 * (times.Length - 1))];
            return new MemoLoadResult(
                _done + _lost, users, times.Length, Math.Round(times[times.Length / 2], 1), Math.Round(p95, 1), _queueFull,
                Math.Round(seconds, 1), _lost, _errors, _lost + _errors + (p95 > LimitMs ? 1 : 0));
        }
    }
}
