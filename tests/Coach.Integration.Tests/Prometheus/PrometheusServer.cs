using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Coach.Integration.Tests.Prometheus;

/// <summary>A real Prometheus on loopback that scrapes one target every second with the shipped configuration and rules.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly HttpClient _client;

    private PrometheusServer(Process process, DirectoryInfo folder, Uri address)
    {
        _process = process;
        _folder = folder;
        _client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };
    }

    public static PrometheusServer Start(Uri target)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("coach-prometheus-");
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Shipped.Operations, "prometheus")))
        {
            string text = File.ReadAllText(file)
                .Replace("127.0.0.1:8080", $"{target.Host}:{target.Port}", StringComparison.Ordinal)
                .Replace("15s", "1s", StringComparison.Ordinal).Replace("scrape_timeout: 10s", "scrape_timeout: 1s", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder.FullName, Path.GetFileName(file)), text);
        }

        int port = FreePort();
        var start = new ProcessStartInfo("prometheus",
        [
            $"--config.file={Path.Combine(folder.FullName, "prometheus.yml")}", $"--storage.tsdb.path={Path.Combine(folder.FullName, "data")}",
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

    /// <summary>How many series a query gives now; -1 while the server does not answer.</summary>
    public async Task<int> CountAsync(string query)
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync("/api/v1/query?query=" + Uri.EscapeDataString(query));
            using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            Assert.True(answer.RootElement.GetProperty("status").GetString() == "success", $"{query}: {answer.RootElement}");
            return answer.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
        }
        catch (HttpRequestException)
        {
            return -1;
        }
        catch (JsonException)
        {
            return -1; // still starting
        }
    }

    public async Task<JsonElement> GetAsync(string path) => JsonDocument.Parse(await _client.GetStringAsync(path)).RootElement.GetProperty("data");

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _client.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
