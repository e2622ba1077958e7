using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Memo.Tests.Support;

/// <summary>A PostgreSQL of the test's own, on loopback, that can be stopped and started again.</summary>
internal sealed class PostgresServer : IDisposable
{
    private static readonly string? Programs = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal)
            .Select(folder => Path.Combine(folder, "bin")).LastOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")))
        : null;

    private readonly string _folder = Directory.CreateTempSubdirectory("coach-").FullName;
    private readonly string _data;

    public PostgresServer()
    {
        // PostgreSQL refuses to run as root, and its folder must be its user's.
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("PostgreSQL is started as it is on Linux.");
        }

        File.SetUnixFileMode(
            _folder,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute
                | UnixFileMode.OtherRead);
        _data = Path.Combine(_folder, "data");
        Directory.CreateDirectory(_data);
        if (Environment.UserName == "root")
        {
            Run("chown", "postgres", _data);
        }

        RunAsServer("initdb", "-D", _data, "-A", "trust", "-U", "coach", "-E", "UTF8", "--locale=C", "--no-sync");
        Port = FreePort();
        Start();
    }

    public int Port { get; }

    public string ConnectionString =>
        $"Host=127.0.0.1;Port={Port};Database=postgres;Username=coach;Maximum Pool Size=20;Timeout=2";

    public string Url => $"postgres://coach@127.0.0.1:{Port}/postgres";

    public static bool IsInstalled => Programs is not null;

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Start() => RunAsServer(
        "pg_ctl", "-D", _data, "-w", "-s", "-l", Path.Combine(_data, "log"), "-o",
        $"-p {Port} -k {_data} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200", "start");

    /// <summary>Ends it as a crash would.</summary>
    public void Stop() => RunAsServer("pg_ctl", "-D", _data, "-w", "-s", "-m", "immediate", "stop");

    public void Dispose()
    {
        if (File.Exists(Path.Combine(_data, "postmaster.pid")))
        {
            Stop();
        }

        if (Environment.UserName == "root")
        {
            Run("chown", "-R", "root", _data);
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static void RunAsServer(string program, params string[] arguments)
    {
        string path = Path.Combine(Programs!, program);
        if (Environment.UserName == "root")
        {
            Run("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments]);
        }
        else
        {
            Run(path, arguments);
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            // Not of a server that stays: it would hold the pipe open.
            RedirectStandardOutput = !arguments.Contains("start"),
            WorkingDirectory = "/",
        })!;
        string output = process.StartInfo.RedirectStandardOutput ? process.StandardOutput.ReadToEnd() : "";
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
