using Coach.Postgres.Tests;

[assembly: AssemblyFixture(typeof(PostgresServers))]

namespace Coach.Postgres.Tests;

/// <summary>One PostgreSQL for all tests; each test takes a schema of its own.</summary>
public sealed class PostgresServers : IDisposable
{
    private readonly Lazy<PostgresServer> _server = new(() => new PostgresServer());

    public string ConnectionString
    {
        get
        {
            SkipUnlessInstalled();
            return _server.Value.ConnectionString;
        }
    }

    public static void SkipUnlessInstalled() => Assert.SkipUnless(
        PostgresServer.IsInstalled, "PostgreSQL is not installed here (apt-get install postgresql).");

    public void Dispose()
    {
        if (_server.IsValueCreated)
        {
            _server.Value.Dispose();
        }
    }
}
