using Coach.Postgres.Connections;
using Coach.Postgres.Migrations;
using Coach.Postgres.Settings;
using Npgsql;

namespace Coach.Postgres;

/// <summary>Brings the tables up to date with a role of its own, so that the host's role need not create any.</summary>
public static class CoachPostgresMigrations
{
    /// <summary>Applies what is missing, in one transaction; safe to run many times and at the same time.</summary>
    /// <param name="connectionString">A role that may create the schema and its tables.</param>
    /// <param name="schema">As in <see cref="CoachPostgresOptions.Schema"/>.</param>
    /// <param name="cancellationToken">Ends the wait; what was not committed is undone.</param>
    /// <returns>A task that ends when the tables are up to date.</returns>
    /// <exception cref="ArgumentException">The schema's name is not well formed.</exception>
    /// <exception cref="NpgsqlException">The database is away or refused.</exception>
    public static async Task ApplyAsync(
        string connectionString, string schema = "coach", CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        if (!CoachPostgresOptionsValidator.IsSchema(schema))
        {
            throw new ArgumentException(
                "A schema has 1 to 63 characters from a-z, 0-9 and '_', and does not begin with a digit.",
                nameof(schema));
        }

        NpgsqlDataSource source = PostgresDatabase.Open(connectionString);
        await using (source.ConfigureAwait(false))
        {
            NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await SchemaMigrator.ApplyAsync(connection, schema, mayChange: true, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
    }
}
