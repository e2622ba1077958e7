using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Coach.Proofs.Deployment;

/// <summary>A sample as a process of its own on a loopback port, built beside this program.</summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    private readonly Process _process;

    private SampleProcess(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    /// <summary>Memory that the process holds, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Its managed heap as the last collection left it, in bytes, from its metrics page.</summary>
    public async Task<long> HeapBytesAsync()
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };
        string page = await client.GetStringAsync("/metrics");
        return page.Split('\n')
            .Where(line => line.StartsWith("dotnet_gc_last_collection_heap_size_bytes{", StringComparison.Ordinal))
            .Sum(line => (long)double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts a sample and waits until it answers.</summary>
    public static async Task<SampleProcess> StartAsync(
        string sample, string healthPath, Dictionary<string, string> variables, int? port = null)
    {
        int listen = port ?? FreePort();
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string program = Path.GetFullPath(Path.Combine(
            AppContext.BaseDirectory, "../../../../../samples", sample, "bin", configuration, "net10.0", sample + ".dll"));
        var start = new ProcessStartInfo("dotnet", [program])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(program),
        };
        start.Environment["HOST"] = "127.0.0.1";
        start.Environment["PORT"] = listen.ToString(CultureInfo.InvariantCulture);
        start.Environment["LOG_LEVEL"] = "Warning";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var host = new SampleProcess(process, listen);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{listen}"), Timeout = TimeSpan.FromSeconds(2) };
        for (int i = 0; i < 240; i++)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(healthPath);
                if (answer.IsSuccessStatusCode)
                {
                    return host;
                }
            }
            catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
            {
                // Not yet.
            }

            if (process.HasExited)
            {
                break;
            }

            await Task.Delay(250);
        }

        await host.DisposeAsync();
        throw new InvalidOperationException($"{sample} did not start.");
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Asks it to stop, as a container engine does, and waits for its end.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> StopAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        using (Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await _process.WaitForExitAsync();
        return Stopwatch.GetElapsedTime(begun);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
