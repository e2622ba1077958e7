using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Coach.Proofs.Memo;

/// <summary>samples/Memo as a process of its own, so that it can be killed.</summary>
internal sealed class MemoProcess : IDisposable
{
    private readonly Process _process;

    private MemoProcess(Process process, int port)
    {
        _process = process;
        Address = new Uri($"http://127.0.0.1:{port}/api/v1/");
    }

    public Uri Address { get; }

    /// <summary>Starts the host on a free port. It may not answer yet.</summary>
    public static MemoProcess Start(string data, Dictionary<string, string>? settings = null)
    {
        int port = FreePort();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path());
        start.Environment["MEMO_DATA"] = data;
        start.Environment["PORT"] = port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        start.Environment["COACH_MODE"] = "mock";
        start.Environment["LOG_LEVEL"] = "Error";
        foreach ((string name, string value) in settings ?? [])
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrEmpty(line.Data))
            {
                Console.Error.WriteLine(line.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new MemoProcess(process, port);
    }

    /// <summary>Waits until it answers.</summary>
    /// <returns>Whether it did before it ended or two minutes, on a busy machine, had passed.</returns>
    public async Task<bool> IsReadyAsync(HttpClient client)
    {
        long began = Stopwatch.GetTimestamp();
        while (!_process.HasExited && Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2))
        {
            try
            {
                using HttpResponseMessage response = await client.GetAsync(new Uri(Address, "health"));
                if (response.IsSuccessStatusCode)
                {
                    return true;
                }
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            await Task.Delay(20);
        }

        return false;
    }

    /// <summary>Ends it like a power cut: no handler of its own runs.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    /// <summary>Submits a text.</summary>
    /// <returns>The status, and the job's id if it was accepted; null if no answer came.</returns>
    public static async Task<(int Status, string? Id)?> SubmitAsync(HttpClient client, Uri address, string text)
    {
        try
        {
            using HttpResponseMessage response = await client.PostAsJsonAsync(new Uri(address, "evaluations"), new { text });
            JsonElement body = await response.Content.ReadFromJsonAsync<JsonElement>();
            return ((int)response.StatusCode, body.TryGetProperty("id", out JsonElement id) ? id.GetString() : null);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    // Built with this program; see its project file.
    private static string Path()
    {
        var bin = new DirectoryInfo(AppContext.BaseDirectory); // …/benchmarks/Coach.Proofs/bin/CONFIGURATION/net10.0
        string root = bin.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;
        return System.IO.Path.Combine(root, "samples", "Memo", "bin", bin.Parent.Name, bin.Name, "Memo.dll");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
