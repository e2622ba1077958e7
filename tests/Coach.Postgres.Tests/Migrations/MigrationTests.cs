using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Postgres.Jobs;
using Coach.Postgres.Usage;
using Coach.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Coach.Postgres.Tests;

public sealed class MigrationTests(PostgresServers servers)
{
    [Fact]
    public async Task MigrateAsync_TenReplicasAtOnce_ApplyEachOnce()
    {
        string schema = StoreContractTests.NewSchema();
        PostgresDatabase[] replicas =
            [.. Enumerable.Range(0, 10).Select(_ => StoreContractTests.Open(servers.ConnectionString, schema))];
        await Task.WhenAll(replicas.Select(replica => Task.Run(() => replica.MigrateAsync(CancellationToken.None))));
        Assert.Equal(
            [(1, "0001-first"), (2, "0002-usage"), (3, "0003-budgets"), (4, "0004-knowledge")],
            await AppliedAsync(schema));
        await CoachPostgresMigrations.ApplyAsync(servers.ConnectionString, schema);
        Assert.Equal(4, (await AppliedAsync(schema)).Count);
        await Task.WhenAll(replicas.Select(replica => replica.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task MigrateAsync_TablesOfALaterVersion_AreLeftAlone()
    {
        string schema = StoreContractTests.NewSchema();
        await CoachPostgresMigrations.ApplyAsync(servers.ConnectionString, schema);
        await ExecuteAsync($"INSERT INTO {schema}.migration (version, name) VALUES (9999, 'later')");
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, schema);
        Assert.Null(await new PostgresJobStore(database).FindAsync("a"));
    }

    [Fact]
    public async Task ARoleOfTheReadme_ThatCreatesNothing_IsEnough()
    {
        string schema = StoreContractTests.NewSchema();
        string role = "r" + schema;
        await CoachPostgresMigrations.ApplyAsync(servers.ConnectionString, schema);
        await ExecuteAsync($"""
            CREATE ROLE {role} LOGIN;
            GRANT USAGE ON SCHEMA {schema} TO {role};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
            GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};
            """);
        string connection = servers.ConnectionString.Replace("=coach", "=" + role, StringComparison.Ordinal);
        await using PostgresDatabase database = StoreContractTests.Open(connection, schema);
        Func<TimeSpan, Task> advance = span =>
        {
            database.ClockOffset += span;
            return Task.CompletedTask;
        };
        foreach (string check in JobStoreContract.Names)
        {
            await JobStoreContract.RunAsync(check, new PostgresJobStore(database), advance);
        }

        foreach (string check in UsageLedgerContract.Names)
        {
            await UsageLedgerContract.RunAsync(
                check, new PostgresUsageLedger(database, "0123456789abcdef"u8.ToArray()), advance);
        }

        foreach (string check in BudgetStoreContract.Names)
        {
            await BudgetStoreContract.RunAsync(check, new PostgresBudgetStore(database), advance);
        }

        foreach (string check in AuditLogContract.Names)
        {
            await AuditLogContract.RunAsync(check, new PostgresAuditLog(database), advance);
        }

        await Assert.ThrowsAsync<PostgresException>(
            () => ExecuteAsync($"CREATE TABLE {schema}.more (id integer)", connection));
        await using var other = new PostgresDatabase(
            new CoachPostgresOptions
            {
                ConnectionString = connection,
                Schema = StoreContractTests.NewSchema(),
                Migrate = false,
            },
            TimeProvider.System, NullLogger<StoreGuard>.Instance, meters: null);
        InvalidOperationException failure =
            await Assert.ThrowsAsync<InvalidOperationException>(() => other.MigrateAsync(CancellationToken.None));
        Assert.Contains("CoachPostgresMigrations.ApplyAsync", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("a;drop")]
    [InlineData("Größe")]
    public async Task ApplyAsync_ANameThatIsNoSchema_IsRefused(string schema) =>
        await Assert.ThrowsAsync<ArgumentException>(
            () => CoachPostgresMigrations.ApplyAsync("Host=127.0.0.1", schema));

    private async Task<List<(int, string)>> AppliedAsync(string schema)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(servers.ConnectionString);
        await using NpgsqlCommand command = source.CreateCommand(
            $"SELECT version, name FROM {schema}.migration ORDER BY version");
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync();
        var found = new List<(int, string)>();
        while (await rows.ReadAsync())
        {
            found.Add((rows.GetInt32(0), rows.GetString(1)));
        }

        return found;
    }

    private async Task ExecuteAsync(string sql, string? connection = null)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(connection ?? servers.ConnectionString);
        await using NpgsqlCommand command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
