using System.Data;
using System.Data.Common;
using Coach.Abstractions;
using Microsoft.Data.Sqlite;

namespace Memo.Data;

/// <summary>One file in the data folder, with a write-ahead log: readers never wait, writers take turns.</summary>
internal sealed class SqliteDatabase : MemoDatabase
{
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly string _connectionString;
    private SqliteConnection? _writing;

    public SqliteDatabase(string path)
    {
        Path = path;
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = 5,
            Pooling = true,
        }.ToString();
    }

    public string Path { get; }

    public override string Kind => "sqlite";

    public override string ForUpdate => "";

    public override async Task<T> WriteAsync<T>(
        Func<DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _writing ??= Open(isWriter: true);
            using SqliteTransaction transaction = _writing.BeginTransaction(IsolationLevel.Serializable, deferred: false);
            T result = await work(transaction).ConfigureAwait(false);
            transaction.Commit();
            return result;
        }
        catch (SqliteException exception)
        {
            // Whatever is wrong with it, the next writer begins with a new connection.
            _writing?.Dispose();
            _writing = null;
            throw Away("write", exception);
        }
        finally
        {
            _writer.Release();
        }
    }

    public override async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            using SqliteConnection connection = Open(isWriter: false);
            return await work(connection).ConfigureAwait(false);
        }
        catch (SqliteException exception)
        {
            throw Away("read", exception);
        }
    }

    /// <summary>Copies all that is committed into a file, while readers and writers go on.</summary>
    public void CopyTo(string path)
    {
        using SqliteConnection source = Open(isWriter: false);
        using var target = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        target.Open();
        source.BackupDatabase(target);
    }

    public override ValueTask DisposeAsync()
    {
        _writing?.Dispose();
        using (var connection = new SqliteConnection(_connectionString))
        {
            SqliteConnection.ClearPool(connection);
        }

        _writer.Dispose();
        return ValueTask.CompletedTask;
    }

    private static StoreException Away(string doing, SqliteException exception) =>
        new("sqlite", $"{doing} (SQLite error {exception.SqliteErrorCode})", exception);

    private SqliteConnection Open(bool isWriter)
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            if (isWriter)
            {
                using SqliteCommand command = connection.CreateCommand();
                command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
                command.ExecuteNonQuery();
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
