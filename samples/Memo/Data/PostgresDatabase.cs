using System.Data.Common;
using Coach.Abstractions;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Npgsql;

namespace Memo.Data;

/// <summary>PostgreSQL, for several hosts.</summary>
internal sealed class PostgresDatabase(string connectionString) : MemoDatabase
{
    // Any number that no other program of the database uses for the same purpose.
    private const long OwnLock = 0x4d_65_6d_6f;

    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(ConnectionStringOf(connectionString));

    public override string Kind => "postgres";

    public override string ForUpdate => " FOR UPDATE SKIP LOCKED";

    public override async Task<T> WriteAsync<T>(
        Func<DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection = await _source.OpenConnectionAsync(cancellationToken)
                .ConfigureAwait(false);
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken)
                .ConfigureAwait(false);
            T result = await work(transaction).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            return result;
        }
        catch (NpgsqlException exception)
        {
            throw new StoreException("postgres", "write", exception);
        }
    }

    public override async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection = await _source.OpenConnectionAsync(cancellationToken)
                .ConfigureAwait(false);
            return await work(connection).ConfigureAwait(false);
        }
        catch (NpgsqlException exception)
        {
            throw new StoreException("postgres", "read", exception);
        }
    }

    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    public override Task LockAsync(DbTransaction transaction, CancellationToken cancellationToken) =>
        transaction.Command("SELECT pg_advisory_xact_lock(@key)", ("@key", OwnLock)).RunAsync(cancellationToken);

    // DATABASE_URL is a URL in most deployments.
    /// <exception cref="InvalidOperationException">It is neither. The text is not repeated: it may hold a password.</exception>
    public static string ConnectionStringOf(string text)
    {
        try
        {
            return text.Contains("://", StringComparison.Ordinal)
                ? OfUrl(new Uri(text)).ToString()
                : new NpgsqlConnectionStringBuilder(text).ToString();
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            throw new InvalidOperationException(
                "ConnectionStrings__Coach (DATABASE_URL) cannot be used; it is like "
                + "Host=db;Username=memo;Password=...;Database=memo, or postgres://memo:...@db/memo?sslmode=require.");
        }
    }

    // What stands behind the "?" are libpq's names, such as sslmode=verify-full.
    private static NpgsqlConnectionStringBuilder OfUrl(Uri url)
    {
        string[] user = url.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Port = url.IsDefaultPort || url.Port < 0 ? 5432 : url.Port,
            Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')),
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
        };
        foreach ((string name, StringValues values) in QueryHelpers.ParseQuery(url.Query))
        {
            string key = name.Replace("_", "", StringComparison.Ordinal);
            string value = values.ToString();
            builder[key] = key.Equals("sslmode", StringComparison.OrdinalIgnoreCase)
                ? value.Replace("-", "", StringComparison.Ordinal)
                : value;
        }

        return builder;
    }
}
