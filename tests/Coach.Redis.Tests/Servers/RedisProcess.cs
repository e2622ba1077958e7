using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Coach.Redis.Tests;

/// <summary>A redis-server of the test's own, with an append-only file, that can be stopped, hung and started
/// again.</summary>
public sealed class RedisProcess : IDisposable
{
    private const string Program = "/usr/bin/redis-server";

    private readonly string _folder;
    private Process _process;
    private bool _isDisposed;

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
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
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
