using System.Data.Common;
using System.Globalization;

namespace Memo.Data;

/// <summary>
/// The database: SQLite in the data folder, or PostgreSQL. Both speak the SQL of <see cref="Schema"/>; what differs is how
/// a connection is opened and how writers wait for each other.
/// </summary>
internal abstract class MemoDatabase : IAsyncDisposable
{
    /// <summary>What it is called in a health report.</summary>
    public abstract string Kind { get; }

    /// <summary>The end of a query that takes one row for an update.</summary>
    public abstract string ForUpdate { get; }

    /// <summary>Runs statements in one transaction, alone among the writers where the database asks for that.</summary>
    public abstract Task<T> WriteAsync<T>(Func<DbTransaction, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Runs queries.</summary>
    public abstract Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Brings the schema to the newest version; several hosts may begin at once.</summary>
    /// <returns>The version that is there now.</returns>
    public Task<int> MigrateAsync(CancellationToken cancellationToken) => WriteAsync(
        async transaction =>
        {
            await LockAsync(transaction, cancellationToken).ConfigureAwait(false);
            await transaction.Command("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
                .ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            object? found = await transaction.Command("SELECT MAX(version) FROM schema_version")
                .ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            int version = found is null or DBNull ? 0 : Convert.ToInt32(found, CultureInfo.InvariantCulture);
            if (version > Schema.Migrations.Count)
            {
                throw new InvalidOperationException(
                    $"The database has version {version}, this host knows {Schema.Migrations.Count}. Use a newer host.");
            }

            for (; version < Schema.Migrations.Count; version++)
            {
                await transaction.Command(Schema.Migrations[version]).ExecuteNonQueryAsync(cancellationToken)
                    .ConfigureAwait(false);
                await transaction.Command("INSERT INTO schema_version (version) VALUES (@version)", ("@version", version + 1))
                    .ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }

            return version;
        }, cancellationToken);

    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// Lets one transaction at a time go on, for what counts before it writes. Where writers take turns anyway, nothing.
    /// </summary>
    public virtual Task LockAsync(DbTransaction transaction, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Commands with their parameters.</summary>
internal static class DbCommands
{
    public static DbCommand Command(
        this DbTransaction transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        DbCommand command = transaction.Connection!.Command(sql, parameters);
        command.Transaction = transaction;
        return command;
    }

    public static DbCommand Command(
        this DbConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        DbCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object? value) in parameters)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value switch
            {
                null => DBNull.Value,
                int number => (long)number,
                bool flag => flag ? 1L : 0L,
                DateTimeOffset time => time.ToUnixTimeMilliseconds(),
                _ => value,
            };
            command.Parameters.Add(parameter);
        }

        return command;
    }

    public static async Task<int> RunAsync(this DbCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public static async Task<long> CountAsync(this DbCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            object? value = await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            return value is null or DBNull ? 0 : Convert.ToInt64(value, CultureInfo.InvariantCulture);
        }
    }

    public static async Task<List<T>> ListAsync<T>(
        this DbCommand command, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        await using (command)
        {
            var rows = new List<T>();
            await using DbDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                rows.Add(read(reader));
            }

            return rows;
        }
    }

    public static string? Text(this DbDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    public static DateTimeOffset? Time(this DbDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));
}
