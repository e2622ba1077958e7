using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Prometheus;

/// <summary>
/// A real Prometheus on loopback that scrapes one target every two seconds with the shipped configuration and rules.
/// </summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TempFolder _folder;
    private readonly HttpClient _client;

    private PrometheusServer(Process process, TempFolder folder, Uri address)
    {
        _process = process;
        _folder = folder;
        _client = new HttpClient { BaseAddress = address, Timeout = ChatHost.HangLimit };
    }

    public static Task<PrometheusServer> StartAsync(Uri target) => StartAsync(text => text
        .Replace("127.0.0.1:8080", $"{target.Host}:{target.Port}", StringComparison.Ordinal)
        .Replace("15s", "2s", StringComparison.Ordinal)
        .Replace("scrape_timeout: 10s", "scrape_timeout: 2s", StringComparison.Ordinal));

    /// <summary>Starts one with changed files.</summary>
    public static async Task<PrometheusServer> StartAsync(Func<string, string> change)
    {
        for (int attempt = 1; ; attempt++)
        {
            PrometheusServer server = Start(change);
            if (await server.IsReadyAsync())
            {
                return server;
            }

            // Somebody may have taken the port between its choice and its use.
            await server.DisposeAsync();
            Assert.True(attempt < 5, "Prometheus ended five times before it was ready.");
        }
    }

    private static PrometheusServer Start(Func<string, string> change)
    {
        var folder = new TempFolder();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Shipped.Operations, "prometheus")))
        {
            File.WriteAllText(folder.File(Path.GetFileName(file)), change(File.ReadAllText(file)));
        }

        int port = FreePort();
        var start = new ProcessStartInfo("prometheus",
        [
            $"--config.file={folder.File("prometheus.yml")}", $"--storage.tsdb.path={folder.File("data")}",
            $"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage", "--log.level=error",
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new PrometheusServer(process, folder, new Uri($"http://127.0.0.1:{port}"));
    }

    /// <summary>How many series a query gives now.</summary>
    public async Task<int> CountAsync(string query)
    {
        using HttpResponseMessage response = await _client.GetAsync(
            "/api/v1/query?query=" + Uri.EscapeDataString(query));
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.True(
            answer.RootElement.GetProperty("status").GetString() == "success", $"{query}: {answer.RootElement}");
        return answer.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
    }

    /// <summary>Waits until the last scrape of the one target was right.</summary>
    public async Task ExpectUpAsync()
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            JsonElement target = Assert.Single(
                (await GetAsync("/api/v1/targets")).GetProperty("activeTargets").EnumerateArray());
            if (target.GetProperty("health").GetString() == "up")
            {
                return;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(started) < ChatHost.HangLimit, target.ToString());
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
    }

    public async Task<JsonElement> GetAsync(string path) =>
        JsonDocument.Parse(await _client.GetStringAsync(path)).RootElement.GetProperty("data");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _client.Dispose();
        _folder.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        while (!_process.HasExited)
        {
            try
            {
                using HttpResponseMessage response = await _client.GetAsync("/-/ready");
                if (response.IsSuccessStatusCode && !_process.HasExited)
                {
                    return true;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        return false;
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
