using System.Globalization;
using System.Threading.Channels;
using Coach.Sqlite.Storage;
using Microsoft.Data.Sqlite;

namespace Coach.Sqlite;

/// <summary>
/// One SQLite file in write-ahead mode. Writes of all stores go through one thread, which commits those that wait
/// together: one flush of the disk for many of them, and each is on the disk when its call returns.
/// </summary>
/// <remarks>
/// Safe for concurrent use. Readers do not wait for the writer. Other processes may open the file too; they take turns
/// at writing. Not for a folder on a network: SQLite's locks do not hold there.
/// </remarks>
public sealed class SqliteDatabase : IAsyncDisposable, IDisposable
{
    private const int LargestBatch = 1_000;

    private readonly CoachSqliteOptions _options;
    private readonly string _connectionString;
    private readonly Channel<IWrite> _writes;
    private readonly Task _writer;
    private readonly SqliteSession _session;
    private readonly Lock _readersGate = new();
    private readonly Stack<SqliteSession> _readers = new();
    private bool _isDisposed;

    /// <summary>Opens the file, or creates it, and brings its tables to the version of this package.</summary>
    /// <param name="options">The file and its bounds.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="StoreException">It cannot be opened or written.</exception>
    /// <exception cref="InvalidDataException">It is no file of Coach's, or of a later version; it was left as it
    /// is.</exception>
    public SqliteDatabase(CoachSqliteOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Path);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxWaitingWrites, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxWaitingWrites, 1_000_000, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BusyTimeout, TimeSpan.FromSeconds(1), nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BusyTimeout, TimeSpan.FromMinutes(10), nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.HistoryLifetime, TimeSpan.FromMinutes(1), nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            options.HistoryLifetime, TimeSpan.FromDays(3_650), nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxMessages, 2, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxMessages, 100_000, nameof(options));
        _options = options;
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = System.IO.Path.GetFullPath(options.Path),
            DefaultTimeout = (int)Math.Ceiling(options.BusyTimeout.TotalSeconds),

            // Sessions are kept here; a pool would keep the file open behind them.
            Pooling = false,
        }.ToString();
        _session = Open();
        try
        {
            Migrate();
        }
        catch (SqliteException exception)
        {
            _session.Dispose();
            throw Away("bring its tables up to date", exception);
        }
        catch (InvalidDataException)
        {
            _session.Dispose();
            throw;
        }

        _writes = Channel.CreateBounded<IWrite>(
            new BoundedChannelOptions(options.MaxWaitingWrites) { SingleReader = true });
        _writer = Task.Factory.StartNew(
            WriteAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();
    }

    private interface IWrite
    {
        /// <summary>Does it within the batch's transaction.</summary>
        void Run(SqliteSession session);

        /// <summary>Tells the caller, after the batch was committed.</summary>
        void Complete();

        void Fail(Exception exception);
    }

    internal CoachSqliteOptions Options => _options;

    /// <summary>Does something in a transaction; it is on the disk when the task ends.</summary>
    /// <param name="work">It must check before it writes: what it throws of Coach's or of arguments leaves the batch's
    /// other writes alone.</param>
    /// <param name="doing">What it is, for a message; no user text.</param>
    /// <param name="cancellationToken">Ends the wait for a place; what has one is done.</param>
    internal async Task<T> WriteAsync<T>(
        Func<SqliteSession, T> work, string doing, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        var write = new Write<T>(work, doing);
        try
        {
            await _writes.Writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteDatabase));
        }

        return await write.Done.ConfigureAwait(false);
    }

    /// <summary>Reads what is committed.</summary>
    internal T Read<T>(Func<SqliteSession, T> work, string doing)
    {
        SqliteSession session = Rent();
        try
        {
            return work(session);
        }
        catch (SqliteException exception)
        {
            throw Away(doing, exception);
        }
        finally
        {
            Return(session);
        }
    }

    /// <summary>Reads what is committed, row by row.</summary>
    internal IEnumerable<T> ReadRows<T>(Func<SqliteSession, IEnumerable<T>> work)
    {
        SqliteSession session = Rent();
        try
        {
            foreach (T row in work(session))
            {
                yield return row;
            }
        }
        finally
        {
            Return(session);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _writes.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        Close();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _writes.Writer.TryComplete();
        _writer.GetAwaiter().GetResult();
        Close();
    }

    private static StoreException Away(string doing, SqliteException exception) =>
        new StoreException("sqlite", doing, exception);

    private void Close()
    {
        lock (_readersGate)
        {
            while (_readers.TryPop(out SqliteSession? reader))
            {
                reader.Dispose();
            }
        }

        _session.Dispose();
    }

    private SqliteSession Rent()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        lock (_readersGate)
        {
            if (_readers.TryPop(out SqliteSession? known))
            {
                return known;
            }
        }

        return Open();
    }

    private void Return(SqliteSession session)
    {
        lock (_readersGate)
        {
            // As many as there are ever readers at once, within reason.
            if (!_isDisposed && _readers.Count < 32)
            {
                _readers.Push(session);
                return;
            }
        }

        session.Dispose();
    }

    private SqliteSession Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            using SqliteCommand pragmas = connection.CreateCommand();

            // FULL: a commit is on the disk when it returns, also when the power fails.
            pragmas.CommandText =
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384;";
            pragmas.ExecuteNonQuery();
            return new SqliteSession(connection);
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == 26)
        {
            connection.Dispose();
            throw new InvalidDataException("The file is no SQLite database; it was left as it is.", exception);
        }
        catch (SqliteException exception)
        {
            connection.Dispose();
            throw Away("open its file", exception);
        }
    }

    private void Migrate()
    {
        _session.Execute("BEGIN IMMEDIATE");
        if (_options.IsShared)
        {
            MigrateShared();
            return;
        }

        long application = (long)_session.Scalar("PRAGMA application_id")!;
        long version = (long)_session.Scalar("PRAGMA user_version")!;
        long tables = (long)_session.Scalar("SELECT count(*) FROM sqlite_master")!;
        bool isNew = application == 0 && version == 0 && tables == 0;
        if ((!isNew && application != SqliteSchema.ApplicationId) || version > SqliteSchema.Versions.Length)
        {
            _session.Execute("ROLLBACK");
            throw application == SqliteSchema.ApplicationId
                ? TooNew(version)
                : new InvalidDataException("The file is a SQLite database of somebody else's; it was left as it is.");
        }

        for (long next = version; next < SqliteSchema.Versions.Length; next++)
        {
            _session.Execute(SqliteSchema.Versions[next]);
        }

        _session.Execute(string.Create(
            CultureInfo.InvariantCulture, $"PRAGMA application_id={SqliteSchema.ApplicationId}"));
        _session.Execute(string.Create(
            CultureInfo.InvariantCulture, $"PRAGMA user_version={SqliteSchema.Versions.Length}"));
        _session.Execute("COMMIT");
    }

    // The header is the host's, so the version stands in the table that the first version makes.
    private void MigrateShared()
    {
        bool isNew = _session.Scalar("SELECT 1 FROM sqlite_master WHERE name = 'ledger_entries'") is null;
        long version = isNew ? 0 : (long)_session.Scalar("SELECT value FROM meta WHERE name = 'version'")!;
        if (version > SqliteSchema.Versions.Length)
        {
            _session.Execute("ROLLBACK");
            throw TooNew(version);
        }

        for (long next = version; next < SqliteSchema.Versions.Length; next++)
        {
            _session.Execute(SqliteSchema.Versions[next]);
        }

        _session.Execute(
            "INSERT INTO meta (name, value) VALUES ('version', $0) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (long)SqliteSchema.Versions.Length);
        _session.Execute("COMMIT");
    }

    private static InvalidDataException TooNew(long version) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"The file has tables of version {version}; this package knows up to {SqliteSchema.Versions.Length}. Take a later package."));

    // Group commit: whatever came while the disk was flushed is the next batch.
    private async Task WriteAsync()
    {
        var batch = new List<IWrite>();
        while (await _writes.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < LargestBatch && _writes.Reader.TryRead(out IWrite? write))
            {
                batch.Add(write);
            }

            Commit(batch);
        }
    }

    private void Commit(List<IWrite> batch)
    {
        try
        {
            _session.Execute("BEGIN IMMEDIATE");
            foreach (IWrite write in batch)
            {
                write.Run(_session);
            }

            _session.Execute("COMMIT");
        }
        catch (Exception exception)
        {
            Abandon();
            foreach (IWrite write in batch)
            {
                write.Fail(exception);
            }

            return;
        }

        foreach (IWrite write in batch)
        {
            write.Complete();
        }
    }

    private void Abandon()
    {
        try
        {
            _session.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // There is none: it did not begin, or SQLite has rolled it back itself.
        }
    }

    private sealed class Write<T>(Func<SqliteSession, T> work, string doing) : IWrite
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _refusal;

        public Task<T> Done => _done.Task;

        public void Run(SqliteSession session)
        {
            try
            {
                _result = work(session);
            }
            catch (Exception exception) when (exception is CoachException or ArgumentException or OverflowException
                or InvalidOperationException and not ObjectDisposedException)
            {
                _refusal = exception;
            }
        }

        public void Complete()
        {
            if (_refusal is not null)
            {
                _done.SetException(_refusal);
            }
            else
            {
                _done.SetResult(_result!);
            }
        }

        public void Fail(Exception exception) =>
            _done.TrySetException(_refusal ?? new StoreException("sqlite", doing, exception));
    }
}
