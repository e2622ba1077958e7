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

        // Without the mode of transactions scripts of several connections run side by side, and decide on what another is changing.
        var server = new GarnetServer(
        [
            "--bind", "127.0.0.1", "--port", $"{port}", "--lua", "true", "--lua-transaction-mode", "true",
            "--memory", "64m", "--page", "1m",
        ]);
        server.Start();
        return (server, port);
    }
}
