using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;

namespace Coach.Proofs.Deployment;

/// <summary>What visitors saw while both hosts were replaced.</summary>
/// <param name="Cases">Requests.</param>
/// <param name="Failed">Those without a good answer, and stops that took too long.</param>
/// <param name="Failures">What they saw instead.</param>
/// <param name="Questions">Of the requests, questions with a streamed answer.</param>
/// <param name="P99Ms">All but one in a hundred were answered within, in milliseconds.</param>
/// <param name="StopSeconds">How long the slower stop took.</param>
/// <param name="Seconds">The whole.</param>
internal sealed record RollingRestartResult(
    int Cases, int Failed, IReadOnlyList<string> Failures, int Questions, double P99Ms, double StopSeconds, double Seconds);

/// <summary>
/// Two hosts of samples/Chat behind a real nginx with the settings of <c>deploy/nginx</c>, replaced one after the other
/// while visitors ask: none of them may notice, and each host ends within 30 s.
/// </summary>
internal static class RollingRestartProof
{
    private const double MaxStop = 30;

    public static async Task<RollingRestartResult> RunAsync(int visitors, TimeSpan calm)
    {
        string folder = Directory.CreateTempSubdirectory("coach-rolling-").FullName;
        int first = SampleProcess.FreePort();
        int second = SampleProcess.FreePort();
        int front = SampleProcess.FreePort();
        SampleProcess one = await StartAsync(folder, "one", first);
        SampleProcess two = await StartAsync(folder, "two", second);
        using Process nginx = await StartNginxAsync(folder, front, first, second);
        var failures = new List<string>();
        var times = new List<double>();
        int questions = 0;
        long begun = Stopwatch.GetTimestamp();
        double slowest = 0;
        using var done = new CancellationTokenSource();
        try
        {
            Task[] load = [.. Enumerable.Range(0, visitors).Select(i => VisitAsync(i, front))];
            await Task.Delay(calm);
            one = await ReplaceAsync(one, "one", first);
            await Task.Delay(calm);
            two = await ReplaceAsync(two, "two", second);
            await Task.Delay(calm);
            await done.CancelAsync();
            await Task.WhenAll(load);
        }
        finally
        {
            nginx.Kill(entireProcessTree: true);
            await one.DisposeAsync();
            await two.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }

        if (slowest > MaxStop)
        {
            failures.Add($"a host took {slowest:0.0} s to stop; at most {MaxStop}");
        }

        times.Sort();
        return new RollingRestartResult(
            times.Count, failures.Count, [.. failures.Distinct().Take(10)], questions,
            times.Count == 0 ? 0 : Math.Round(times[(int)(times.Count * 0.99)]), Math.Round(slowest, 1),
            Math.Round(Stopwatch.GetElapsedTime(begun).TotalSeconds, 1));

        // As deploy/scripts/replace.sh: out of the proxy's list, stop, start, back into the list.
        async Task<SampleProcess> ReplaceAsync(SampleProcess old, string name, int port)
        {
            await ConfigureAsync(folder, front, first, second, down: port);
            await ReloadAsync(nginx);
            slowest = Math.Max(slowest, (await old.StopAsync()).TotalSeconds);
            await old.DisposeAsync();
            SampleProcess replaced = await StartAsync(folder, name, port);
            await ConfigureAsync(folder, front, first, second, down: null);
            await ReloadAsync(nginx);
            return replaced;
        }

        async Task VisitAsync(int number, int port)
        {
            using var handler = new SocketsHttpHandler { UseCookies = true, PooledConnectionLifetime = TimeSpan.FromSeconds(5) };
            using var client = new HttpClient(handler) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(60) };
            for (int i = 0; !done.IsCancellationRequested; i++)
            {
                long start = Stopwatch.GetTimestamp();
                string? problem = (number + i) % 4 == 0 ? await AskAsync(client) : await GetAsync(client);
                lock (times)
                {
                    times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    questions += (number + i) % 4 == 0 ? 1 : 0;
                    if (problem is not null)
                    {
                        failures.Add(problem);
                    }
                }

                await Task.Delay(100);
            }
        }
    }

    private static async Task<string?> GetAsync(HttpClient client)
    {
        try
        {
            using HttpResponseMessage answer = await client.GetAsync("/api/config");
            return answer.IsSuccessStatusCode ? null : $"GET {(int)answer.StatusCode}";
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            return "GET " + failure.GetType().Name;
        }
    }

    private static async Task<string?> AskAsync(HttpClient client)
    {
        try
        {
            using HttpResponseMessage answer = await client.PostAsJsonAsync("/api/chat", new { message = "How is a key checked?" });
            string body = await answer.Content.ReadAsStringAsync();
            return answer.StatusCode == HttpStatusCode.OK && body.Contains("event: done", StringComparison.Ordinal)
                ? null
                : $"POST {(int)answer.StatusCode}";
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or IOException)
        {
            return "POST " + failure.GetType().Name;
        }
    }

    private static Task<SampleProcess> StartAsync(string folder, string name, int port) => SampleProcess.StartAsync(
        "Chat", "/readyz", new()
        {
            ["COACH_MODE"] = "mock",
            ["HOME"] = folder,
            ["Coach__Rag__Encoder"] = "none",
            ["Coach__Rag__IndexFile"] = Path.Combine(folder, name + ".coach"),
            ["Coach__Proxy__KnownProxies"] = "127.0.0.1",
            ["Coach__RateLimits__AddressPerMinute"] = "100000",
            ["Coach__RateLimits__AddressBurst"] = "100000",
            ["Coach__RateLimits__SessionPerMinute"] = "100000",
            ["Coach__RateLimits__SessionBurst"] = "100000",
        }, port);

    private static async Task ReloadAsync(Process nginx)
    {
        using Process signal = Process.Start("kill", ["-HUP", nginx.Id.ToString(CultureInfo.InvariantCulture)]);
        await signal.WaitForExitAsync();
        await Task.Delay(1000); // old workers end what they have; replace.sh waits as long
    }

    private static async Task<string> ConfigureAsync(string folder, int port, int first, int second, int? down)
    {
        string proxy = (await File.ReadAllTextAsync(Deploy("nginx/snippets/proxy.conf")))
            .Replace("include /etc/nginx/snippets/forwarded.conf;", await File.ReadAllTextAsync(Deploy("nginx/snippets/forwarded.conf")), StringComparison.Ordinal);
        string upstream = (await File.ReadAllTextAsync(Deploy("nginx/sites/chat.conf"))).Split("server {")[0]
            .Replace("chat-1:8080", $"127.0.0.1:{first}", StringComparison.Ordinal)
            .Replace("chat-2:8080", $"127.0.0.1:{second}", StringComparison.Ordinal)
            .Replace("hash $remote_addr consistent;", "hash $remote_port consistent;", StringComparison.Ordinal); // one machine plays all visitors
        if (down is { } left)
        {
            upstream = upstream.Replace($"127.0.0.1:{left} ", $"127.0.0.1:{left} down ", StringComparison.Ordinal);
        }

        string config = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(config, $$"""
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log stderr crit;
            events { worker_connections 2048; }
            http {
                access_log off;
                client_body_temp_path {{folder}}/body;
                proxy_temp_path {{folder}}/proxy;
                fastcgi_temp_path {{folder}}/fastcgi;
                uwsgi_temp_path {{folder}}/uwsgi;
                scgi_temp_path {{folder}}/scgi;
                {{upstream}}
                server {
                    listen 127.0.0.1:{{port}};
                    location / {
                        {{proxy}}
                        proxy_pass http://chat;
                    }
                }
            }
            """);
        return config;
    }

    private static async Task<Process> StartNginxAsync(string folder, int port, int first, int second)
    {
        string config = await ConfigureAsync(folder, port, first, second, down: null);
        string program = File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx";
        Process nginx = Process.Start(new ProcessStartInfo(program, ["-p", folder, "-e", "stderr", "-c", config]))!;
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        for (int i = 0; i < 40 && !nginx.HasExited; i++)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync("/livez");
                if (answer.IsSuccessStatusCode)
                {
                    return nginx;
                }
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            await Task.Delay(250);
        }

        throw new InvalidOperationException("nginx did not start; on Debian: apt-get install nginx-light.");
    }

    private static string Deploy(string path) =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../../deploy", path));
}
