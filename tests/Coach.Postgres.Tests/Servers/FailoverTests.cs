using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Postgres.Jobs;
using Coach.Testing;
using Npgsql;

namespace Coach.Postgres.Tests;

/// <summary>
/// What a PostgreSQL says that is there and does not do what it is asked: each ends in the code of a store that is
/// away, nothing is half done, and the health row says why.
/// </summary>
public sealed class FailoverTests(PostgresServers servers)
{
    private readonly string _name = StoreContractTests.NewSchema();

    [Fact]
    public async Task APrimaryThatOnlyReads_IsAway_AndFoundAgainWhenItWrites()
    {
        await RunAsync($"CREATE DATABASE {_name}");
        await using PostgresDatabase database = StoreContractTests.Open(With(settings => settings.Database = _name));
        var jobs = new PostgresJobStore(database);
        await jobs.EnqueueAsync(NewJob("a"));
        await RunAsync($"ALTER DATABASE {_name} SET default_transaction_read_only = on");
        await RunAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name}'");
        while (await KindOfAsync(() => jobs.EnqueueAsync(NewJob("b"))) is var kind && kind != "25006")
        {
            Assert.NotNull(kind); // the connection that was cut is found out about first
        }

        Assert.NotNull(await jobs.FindAsync("a"));
        ComponentReport report = await database.Guard.CheckAsync();
        Assert.Equal(ComponentState.Degraded, report.State);
        Assert.Equal(
            "the store 'postgres' does not answer: it only reads: a failover is under way, or ConnectionStrings:Coach "
                + "names a standby (SQLSTATE 25006)",
            report.Description);
        await RunAsync($"ALTER DATABASE {_name} RESET default_transaction_read_only");
        Assert.Equal(ComponentState.Healthy, (await database.Guard.CheckAsync()).State);
        Assert.Equal("b", (await jobs.EnqueueAsync(NewJob("b"))).Id);
    }

    [Fact]
    public async Task TooManyConnections_IsSaid()
    {
        await RunAsync($"CREATE ROLE {_name} LOGIN CONNECTION LIMIT 1");
        string limited = With(settings => settings.Username = _name);
        await using NpgsqlDataSource other = NpgsqlDataSource.Create(limited);
        await using NpgsqlConnection held = await other.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using PostgresDatabase database = StoreContractTests.Open(limited);
        Assert.Equal("53300", await KindOfAsync(() => new PostgresJobStore(database).FindAsync("a")));
        Assert.Contains("too many connections", database.Guard.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARoleThatMayCreateNothing_IsSaid()
    {
        await RunAsync($"CREATE ROLE {_name} LOGIN");
        await using PostgresDatabase database =
            StoreContractTests.Open(With(settings => settings.Username = _name), _name);
        Assert.Equal("42501", await KindOfAsync(() => new PostgresJobStore(database).FindAsync("a")));
        Assert.Contains("its role may not do this", database.Guard.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStatementThatTheServerEnds_IsSaid_AndTheNextOneIsAnswered()
    {
        await using PostgresDatabase database =
            StoreContractTests.Open(With(settings => settings.Options = "-c statement_timeout=300"), _name);
        await database.MigrateAsync(CancellationToken.None);
        Assert.Equal(
            "57014",
            await KindOfAsync(() => database.QueryAsync(
                "wait", "SELECT pg_sleep(60) WHERE $1 = 0", [], static _ => 1, CancellationToken.None).AsTask()));
        Assert.Contains("took too long", database.Guard.Reason, StringComparison.Ordinal);
        Assert.Null(await new PostgresJobStore(database).FindAsync("a"));
    }

    [Fact]
    public async Task AConnectionThatIsCutWithinATransaction_UndoesAllOfIt_AndTheNextCallHasANewOne()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _name);
        var jobs = new PostgresJobStore(database);
        await jobs.EnqueueAsync(NewJob("kept"));
        StoreException failure = await Assert.ThrowsAsync<StoreException>(() => database.CallAsync(
            "do two things",
            async (connection, token) =>
            {
                await using NpgsqlTransaction open = await connection.BeginTransactionAsync(token);
                await using NpgsqlCommand erase = database.Command(
                    connection, "DELETE FROM {schema}.job WHERE $1 = 0", []);
                await erase.ExecuteNonQueryAsync(token);
                await RunAsync($"SELECT pg_terminate_backend({connection.ProcessID})");
                await open.CommitAsync(token);
                return true;
            },
            CancellationToken.None).AsTask());
        Assert.Equal(ErrorCodes.StoreUnavailable, failure.Code);
        Assert.NotNull(await jobs.FindAsync("kept"));
    }

    // Npgsql prepares statements by itself where a host's connection string says so; PgBouncer in transaction mode
    // gives each transaction another server's session, which knows nothing of them.
    [Fact]
    public async Task PgBouncer_WithAPoolBeforeIt_AndAHostThatPrepares_MixesNothingUp()
    {
        PostgresServers.SkipUnlessInstalled();
        Assert.SkipUnless(File.Exists("/usr/sbin/pgbouncer"), "pgbouncer is not installed here.");
        using var server = new PostgresServer();
        using var bouncer = new PgBouncer(server.Port);
        var settings = new NpgsqlConnectionStringBuilder(bouncer.ConnectionString)
        {
            Pooling = true,
            MaxPoolSize = 20,
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 1,
        };
        await using PostgresDatabase database = StoreContractTests.Open(settings.ConnectionString);
        var jobs = new PostgresJobStore(database);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; i < 10; i++)
            {
                await jobs.EnqueueAsync(NewJob($"j{worker}-{i}"));
                Assert.NotNull(await jobs.FindAsync($"j{worker}-{i}"));
                Assert.NotNull(await jobs.TakeAsync("q", TimeSpan.FromMinutes(1)));
            }
        })));
        Assert.Null(await jobs.TakeAsync("q", TimeSpan.FromMinutes(1)));
    }

    private static Job NewJob(string id) => new()
    {
        Id = id,
        Queue = "q",
        CallerKey = "c",
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    // The SQLSTATE of a call that fails, "" for another failure, null for none.
    private static async Task<string?> KindOfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (StoreException failure)
        {
            Assert.Equal(ErrorCodes.StoreUnavailable, failure.Code);
            return (failure.InnerException as PostgresException)?.SqlState ?? "";
        }
    }

    private string With(Action<NpgsqlConnectionStringBuilder> change)
    {
        var settings = new NpgsqlConnectionStringBuilder(servers.ConnectionString);
        change(settings);
        return settings.ConnectionString;
    }

    private async Task RunAsync(string sql)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(servers.ConnectionString);
        await using NpgsqlCommand command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
