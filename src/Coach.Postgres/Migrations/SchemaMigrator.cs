using System.Globalization;
using System.Reflection;
using Npgsql;

namespace Coach.Postgres.Migrations;

/// <summary>
/// Plain SQL, numbered, each applied once: all that are missing in one transaction under one advisory lock, so that ten
/// replicas that start at once do it once. Tables of a later version are left alone: replicas of two versions may run
/// side by side while the host is brought up to date.
/// </summary>
internal static class SchemaMigrator
{
    // Any number that nobody else uses; the schema's name is added to it.
    private const long LockNumber = 0x0C0A_C400_0000_0000;

    public static async Task ApplyAsync(
        NpgsqlConnection connection, string schema, bool mayChange, CancellationToken cancellationToken)
    {
        (int Version, string Name)[] all = List();
        if (await VersionAsync(connection, schema, cancellationToken).ConfigureAwait(false) >= all[^1].Version)
        {
            return;
        }

        if (!mayChange)
        {
            throw new InvalidOperationException(
                $"The tables in schema '{schema}' are older than this program. Run CoachPostgresMigrations.ApplyAsync "
                    + "with a role that may create them, or set Coach:Postgres:Migrate.");
        }

        NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken)
            .ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            long key = LockNumber + Hash(schema);
            await ExecuteAsync(
                connection,
                $"""
                SELECT pg_advisory_xact_lock({key.ToString(CultureInfo.InvariantCulture)});
                CREATE SCHEMA IF NOT EXISTS {schema};
                CREATE TABLE IF NOT EXISTS {schema}.migration (
                  version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
                """,
                cancellationToken).ConfigureAwait(false);
            int version = await VersionAsync(connection, schema, cancellationToken).ConfigureAwait(false);
            foreach ((int number, string name) in all.Where(migration => migration.Version > version))
            {
                string sql = await ReadAsync(name, cancellationToken).ConfigureAwait(false);
                await ExecuteAsync(
                    connection,
                    $"""
                    {sql.Replace("{schema}", schema, StringComparison.Ordinal)}
                    INSERT INTO {schema}.migration (version, name) VALUES ({number}, '{name}');
                    """,
                    cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static (int Version, string Name)[] List() =>
    [
        .. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.Length > 5 && name[4] == '-')
            .Select(name => (int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name))
            .Order(),
    ];

    private static async Task<int> VersionAsync(
        NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        object? table = await ScalarAsync(
            connection, $"SELECT to_regclass('{schema}.migration')::text", cancellationToken).ConfigureAwait(false);
        return table is string
            ? (int)(await ScalarAsync(
                connection, $"SELECT coalesce(max(version), 0) FROM {schema}.migration", cancellationToken)
                .ConfigureAwait(false))!
            : 0;
    }

    private static async Task<string> ReadAsync(string name, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
    }

#pragma warning disable CA2100 // the schema's name has no character that means anything; the rest is ours
    private static async Task ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<object?> ScalarAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
        }
    }
#pragma warning restore CA2100

    private static int Hash(string schema)
    {
        unchecked
        {
            return schema.Aggregate(17, static (hash, c) => (hash * 31) + c);
        }
    }
}
