using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Coach.Redis.Tests;
using Garnet;

[assembly: AssemblyFixture(typeof(RedisServers))]

namespace Coach.Redis.Tests;

/// <summary>Garnet in this process, and Debian's redis-server beside it where it is installed.</summary>
public sealed class RedisServers : IDisposable
{
    public const string Garnet = "garnet";
    public const string Redis = "redis";

    private readonly Lazy<(GarnetServer Server, int Port)> _garnet = new(StartGarnet);
    private readonly TempFolder _folder = new();
    private readonly Lazy<RedisProcess> _redis;

    public RedisServers() => _redis = new Lazy<RedisProcess>(() => new RedisProcess(_folder.Path));

    public string ConnectionString(string server)
    {
        Assert.SkipWhen(
            server == Redis && !RedisProcess.IsInstalled,
            "redis-server is not installed here; Garnet runs the same tests.");
        return $"127.0.0.1:{(server == Garnet ? _garnet.Value.Port : _redis.Value.Port)}";
    }

    public void Dispose()
    {
        if (_garnet.IsValueCreated)
        {
            _garnet.Value.Server.Dispose();
        }

        if (_redis.IsValueCreated)
        {
            _redis.Value.Dispose();
        }

        _folder.Dispose();
    }

    private static (GarnetServer Server, int Port) StartGarnet()
    {
        int port = RedisProcess.FreePort();
        var server = new GarnetServer(
            ["--bind", "127.0.0.1", "--port", $"{port}", "--lua", "true", "--memory", "64m", "--page", "1m"]);
        server.Start();
        return (server, port);
    }
}

/// <summary>A redis-server of the test's own, with an append-only file, that can be stopped, hung and started
/// again.</summary>
public sealed class RedisProcess : IDisposable
{
    private const string Program = "/usr/bin/redis-server";

    private readonly string _folder;
    private Process _process;

    public RedisProcess(string folder)
    {
        _folder = folder;
        Port = FreePort();
        _process = Start();
    }

    public static bool IsInstalled => File.Exists(Program);

    public int Port { get; }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Stop()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Restart()
    {
        _process.Dispose();
        _process = Start();
    }

    public void Signal(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        Signal("CONT");
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(Program)
        {
            RedirectStandardOutput = true,
            ArgumentList =
            {
                "--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--appendonly", "yes",
            },
        };
        Process process = Process.Start(start)!;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
            {
                _ = process.StandardOutput.ReadToEndAsync();
                return process;
            }
        }

        throw new InvalidOperationException("redis-server ended before it was ready.");
    }
}
