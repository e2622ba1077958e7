using System.Diagnostics;
using System.Net.Sockets;

namespace Coach.Postgres.Tests;

/// <summary>A PgBouncer of the test's own in transaction mode: no statement finds its session again.</summary>
internal sealed class PgBouncer : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Process _process;
    private readonly int _port = PostgresServer.FreePort();

    public PgBouncer(int server)
    {
        string settings = _folder.File("pgbouncer.ini");
        File.WriteAllText(_folder.File("users"), "\"coach\" \"\"\n");
        File.WriteAllText(settings, $"""
            [databases]
            postgres = host=127.0.0.1 port={server} user=coach
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {_port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 3
            max_client_conn = 400
            ignore_startup_parameters = extra_float_digits
            logfile = {_folder.File("log")}

            """);
        string[] start = ["/usr/sbin/pgbouncer", "-q", settings];
        if (Environment.UserName == "root")
        {
            using Process open = Process.Start("chmod", ["777", _folder.Path]); // its user writes the log here
            open.WaitForExit();
            start = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. start];
        }

        _process = Process.Start(new ProcessStartInfo(start[0], start[1..]))!;
        while (!IsThere())
        {
            Assert.False(_process.HasExited, "pgbouncer ended");
        }
    }

    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Database=postgres;Username=coach;Pooling=false";

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private bool IsThere()
    {
        try
        {
            using var socket = new TcpClient("127.0.0.1", _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
