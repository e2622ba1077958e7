using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Coach.Proofs.Stores;

/// <summary>A process of samples/Chat on a port of its own, that can be killed and started again.</summary>
internal sealed class ChatReplica : IDisposable
{
    private readonly Dictionary<string, string> _settings;
    private readonly string _log;
    private readonly Lock _gate = new();
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(5) };
    private Process? _process;

    public ChatReplica(string folder, int number, Dictionary<string, string> settings)
    {
        Port = FreePort();
        _log = Path.Combine(folder, $"replica-{number}.log");
        _settings = new(settings)
        {
            ["PORT"] = Port.ToString(CultureInfo.InvariantCulture),
            ["Coach__Rag__IndexFile"] = Path.Combine(folder, $"replica-{number}.coach"),
        };
    }

    public int Port { get; }

    public Uri Address => new($"http://127.0.0.1:{Port}");

    /// <summary>What it wrote to its console, of all its lives.</summary>
    public string Log => File.Exists(_log) ? File.ReadAllText(_log) : "";

    /// <summary>Where the sample was built, in the configuration of this program.</summary>
    public static string Program()
    {
        string folder = AppContext.BaseDirectory.TrimEnd('/');
        string end = Path.Combine(Path.GetFileName(Path.GetDirectoryName(folder)!), Path.GetFileName(folder));
        while (!File.Exists(Path.Combine(folder, "Coach.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Run this from the repository.");
        }

        string program = Path.Combine(folder, "samples", "Chat", "bin", end, "Chat.dll");
        return File.Exists(program) ? program : throw new InvalidOperationException($"{program} is not built.");
    }

    public void Start()
    {
        var start = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", $"exec dotnet '{Program()}' >>'{_log}' 2>&1" } };
        foreach ((string key, string value) in _settings)
        {
            start.Environment[key] = value;
        }

        lock (_gate)
        {
            _process?.Dispose();
            _process = Process.Start(start)!;
        }
    }

    public void Kill()
    {
        lock (_gate)
        {
            if (_process is { HasExited: false } process)
            {
                process.Kill();
                process.WaitForExit();
            }
        }
    }

    /// <summary>Whether it is there.</summary>
    public async Task<bool> AnswersAsync()
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync(new Uri(Address, "/livez"));
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    public async Task WaitAsync(TimeSpan limit)
    {
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < limit)
        {
            if (await AnswersAsync())
            {
                return;
            }

            await Task.Delay(100);
        }

        throw new TimeoutException($"A replica did not start within {limit.TotalSeconds} s: {Log}");
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
        _client.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
