using System.Data.Common;
using Coach.Abstractions;
using Memo.Configuration;
using Memo.Costs;
using Memo.Data;

namespace Memo.Operations;

/// <summary>What is done from the command line instead of running the host.</summary>
internal static class Verbs
{
    private static readonly string[] Names = ["backup", "restore", "verify", "migrate"];

    public static bool IsOne(string[] args) => args.Length > 0 && Names.Contains(args[0]);

    /// <summary>Runs a verb.</summary>
    /// <returns>The exit code: 0, or 1 with a sentence on standard error.</returns>
    public static async Task<int> RunAsync(string[] args, IConfiguration configuration, TimeProvider time)
    {
        try
        {
            string data = MemoHost.DataPath(configuration);
            string said = args switch
            {
                ["verify", var file] => $"{file} is whole: {Backup.Verify(file)} evaluations",
                ["backup", ..] => await BackUpAsync(data, time).ConfigureAwait(false),
                ["restore", var file] => Restore(data, file),
                ["migrate", "--to", "postgres"] => await CopyAsync(data, configuration, time).ConfigureAwait(false),
                ["migrate", ..] => await MigrateAsync(data, configuration).ConfigureAwait(false),
                _ => throw new InvalidOperationException(
                    "Usage: backup | restore FILE | verify FILE | migrate [--to postgres]"),
            };
            await Console.Out.WriteLineAsync(said).ConfigureAwait(false);
            return 0;
        }
        catch (Exception exception) when (exception is InvalidOperationException or CoachException or IOException)
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return 1;
        }
    }

    // Beside a running host: a backup only reads the database.
    private static async Task<string> BackUpAsync(string data, TimeProvider time)
    {
        await using var database = new SqliteDatabase(Path.Combine(Path.GetFullPath(data), "memo.db"));
        return File.Exists(database.Path)
            ? Backup.Create(database, Path.Combine(Path.GetFullPath(data), "backups"), time.GetUtcNow(), 7)
            : throw new InvalidOperationException($"There is no database {database.Path}.");
    }

    private static string Restore(string data, string file)
    {
        using DataFolder folder = DataFolder.Open(data);
        Backup.Restore(file, folder.Database);
        return $"{folder.Database} was restored; the one before is beside it, .before-restore";
    }

    private static async Task<string> MigrateAsync(string data, IConfiguration configuration)
    {
        if (MemoHost.PostgresOf(configuration) is { } connection)
        {
            await using var postgres = new PostgresDatabase(connection);
            return $"postgres has version {await postgres.MigrateAsync(CancellationToken.None).ConfigureAwait(false)}";
        }

        using DataFolder folder = DataFolder.Open(data);
        await using var sqlite = new SqliteDatabase(folder.Database);
        return $"sqlite has version {await sqlite.MigrateAsync(CancellationToken.None).ConfigureAwait(false)}";
    }

    // One transaction on the other side: all of it is there, or nothing; then the books, each entry once.
    private static async Task<string> CopyAsync(string data, IConfiguration configuration, TimeProvider time)
    {
        string connection = MemoHost.PostgresOf(configuration)
            ?? throw new InvalidOperationException("Set ConnectionStrings__Coach to the PostgreSQL database.");
        using DataFolder folder = DataFolder.Open(data);
        await using var source = new SqliteDatabase(folder.Database);
        await source.MigrateAsync(CancellationToken.None).ConfigureAwait(false);
        await using var target = new PostgresDatabase(connection);
        await target.MigrateAsync(CancellationToken.None).ConfigureAwait(false);
        long rows = await target.WriteAsync(
            transaction => source.ReadAsync(reader => CopyAsync(reader, transaction), CancellationToken.None),
            CancellationToken.None).ConfigureAwait(false);
        using SettingsStore settings = MemoHost.OpenSettings(configuration, folder, time);
        int entries = await LedgerMove.RunAsync(source, folder.Database, configuration, settings, time).ConfigureAwait(false);
        return $"{rows} rows and {entries} entries of the ledger are in postgres";
    }

    private static async Task<long> CopyAsync(DbConnection source, DbTransaction target)
    {
        long rows = 0;
        foreach ((string table, string[] columns) in Schema.Tables)
        {
            await using DbCommand select = source.Command($"SELECT {string.Join(", ", columns)} FROM {table}");
            await using DbDataReader reader = await select.ExecuteReaderAsync().ConfigureAwait(false);
            string names = string.Join(", ", columns.Select(column => "@" + column));
            while (await reader.ReadAsync().ConfigureAwait(false))
            {
                (string Name, object? Value)[] values =
                    [.. columns.Select((column, i) => ("@" + column, reader.IsDBNull(i) ? null : reader.GetValue(i)))];
                rows += await target.Command(
                    $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({names}) ON CONFLICT DO NOTHING", values)
                    .RunAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }

        return rows;
    }
}
