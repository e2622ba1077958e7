using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Postgres.Migrations;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Coach.Postgres.Connections;

/// <summary>
/// The pool of connections and the guard before it. No statement needs a session of its own: PgBouncer in transaction
/// mode may stand between.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable, IDisposable
{
    private const int ChainWriters = 4;

    private readonly CoachPostgresOptions _options;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _chainWriters = new(ChainWriters);
    private NpgsqlDataSource? _source;
    private volatile bool _isMigrated;

    public PostgresDatabase(
        CoachPostgresOptions options, TimeProvider time, ILogger<StoreGuard> logger, IMeterFactory? meters)
    {
        _options = options;
        Guard = new StoreGuard(
            "postgres",
            new StoreLimits(options.TimeLimit, options.FailuresBeforeBreak, options.BreakDuration),
            ProbeAsync, time, logger, meters, PostgresFailures.Explain);
    }

    public StoreGuard Guard { get; }

    public string Schema => _options.Schema;

    /// <summary>Where hints are listened for; null for nowhere.</summary>
    public string? ListenConnectionString => _options.ListenConnectionString;

    /// <summary>What a test lets the server's clock be ahead.</summary>
    internal TimeSpan ClockOffset { get; set; }

    // Made at the first use: a connection string that cannot be read is a problem of the options' check.
    private NpgsqlDataSource Source
    {
        get
        {
            lock (_gate)
            {
                return _source ??= Open(_options.ConnectionString);
            }
        }
    }

    public static NpgsqlDataSource Open(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            // Texts of errors then hold no values, and statements prepared for a session are not PgBouncer's. Nothing
            // is set for a session, so nothing has to be reset, which in PgBouncer would be another one's.
            IncludeErrorDetail = false,
            MaxAutoPrepare = 0,
            NoResetOnClose = true,
        };
        settings.ApplicationName ??= "coach";
        return NpgsqlDataSource.Create(settings);
    }

    /// <summary>Asks on a connection, behind the guard.</summary>
    public ValueTask<T> CallAsync<T>(
        string doing, Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        Guard.CallAsync(doing, token => AskAsync(call, token), cancellationToken);

    /// <summary>
    /// Asks on a connection, behind the guard, with few others: writers of one chain wait for each other anyway, and
    /// need not hold all connections meanwhile.
    /// </summary>
    public ValueTask<T> CallInTurnAsync<T>(
        string doing, Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        Guard.CallAsync(
            doing,
            async token =>
            {
                await _chainWriters.WaitAsync(token).ConfigureAwait(false);
                try
                {
                    return await AskAsync(call, token).ConfigureAwait(false);
                }
                finally
                {
                    _chainWriters.Release();
                }
            },
            cancellationToken);

    /// <summary>Runs one statement that gives no rows.</summary>
    /// <returns>How many rows it changed.</returns>
    public ValueTask<int> ExecuteAsync(
        string doing, string sql, object?[] parameters, CancellationToken cancellationToken) =>
        CallAsync(
            doing,
            async (connection, token) =>
            {
                NpgsqlCommand command = Command(connection, sql, parameters);
                await using (command.ConfigureAwait(false))
                {
                    return await command.ExecuteNonQueryAsync(token).ConfigureAwait(false);
                }
            },
            cancellationToken);

    /// <summary>Runs one statement and reads its rows.</summary>
    public ValueTask<List<T>> QueryAsync<T>(
        string doing, string sql, object?[] parameters, Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken) =>
        CallAsync(
            doing, (connection, token) => ReadAsync(connection, sql, parameters, read, token), cancellationToken);

    public async Task<List<T>> ReadAsync<T>(
        NpgsqlConnection connection, string sql, object?[] parameters, Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken)
    {
        NpgsqlCommand command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            NpgsqlDataReader rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (rows.ConfigureAwait(false))
            {
                var found = new List<T>();
                while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    found.Add(read(rows));
                }

                return found;
            }
        }
    }

    /// <summary>A statement; its first parameter is added: how far the clock is ahead, in ticks. <c>{schema}</c> is the
    /// schema, which the options' check has seen.</summary>
    public NpgsqlCommand Command(NpgsqlConnection connection, string sql, object?[] parameters)
    {
        NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // the schema's name has no character that means anything
        command.CommandText = sql.Replace("{schema}", Schema, StringComparison.Ordinal);
#pragma warning restore CA2100
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ClockOffset.Ticks });
        foreach (object? value in parameters)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }

    /// <summary>Brings the tables up to date, or sees that they are.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        if (_isMigrated)
        {
            return;
        }

        NpgsqlConnection connection = await Source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await SchemaMigrator.ApplyAsync(connection, Schema, _options.Migrate, cancellationToken)
                .ConfigureAwait(false);
        }

        _isMigrated = true;
    }

    /// <summary>Asks without the guard, for what is asked at once and not by a request: the key ring.</summary>
    public async Task<T> AskAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            await MigrateAsync(cancellationToken).ConfigureAwait(false);
            NpgsqlConnection connection = await Source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                return await call(connection, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException exception) when (PostgresFailures.IsOfAllConnections(exception))
        {
            // The next call makes a new connection, and may find the new primary.
            Source.Clear();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Guard.Dispose();
        if (_source is { } source)
        {
            await source.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        Guard.Dispose();
        _source?.Dispose();
    }

    // A standby answers, and refuses what is to be kept: for a host it is away.
    private Task<bool> ProbeAsync(CancellationToken cancellationToken) => AskAsync(
        async (connection, token) =>
        {
            List<bool> onlyReads = await ReadAsync(
                connection, "SELECT current_setting('transaction_read_only') = 'on' OR $1 IS NULL", [],
                static row => row.GetBoolean(0), token).ConfigureAwait(false);
            return onlyReads[0]
                ? throw new PostgresException("It only reads.", "ERROR", "ERROR", PostgresFailures.ReadOnly)
                : true;
        },
        cancellationToken);
}
