using System.Diagnostics;
using System.Globalization;
using Memo.Data;
using Memo.Operations;
using Microsoft.Data.Sqlite;

namespace Memo.Tests.Operations;

/// <summary>The program as a process of its own, killed in the middle of what it does.</summary>
public sealed class KillTests : IDisposable
{
    private const int Seed = 19;
    private const int Kills = 6;
    private const int Rows = 2_000;

    private readonly TempFolder _folder = new();
    private readonly Random _random = new(Seed);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Backup_ThatIsKilled_LeavesOnlyWholeOnes_AndTheDatabaseAsItWas()
    {
        string backups = _folder.File("backups");
        await using (var database = new SqliteDatabase(_folder.File("memo.db")))
        {
            await database.MigrateAsync(default);
            await FillAsync(database, "evaluations");
        }

        for (int kill = 0; kill < Kills; kill++)
        {
            KillWhen(() => Directory.Exists(backups) && Directory.EnumerateFiles(backups, "*.tmp*").Any(), "backup");
            Assert.All(Backup.List(backups), path => Assert.Equal(Rows, Backup.Verify(path)));
            Assert.Equal("ok", Ask("PRAGMA integrity_check"));
            Assert.Equal((long)Rows, Ask("SELECT COUNT(*) FROM evaluations"));
        }

        Assert.Equal(0, Run("backup"));
        Assert.Equal(Rows, Backup.Verify(Backup.List(backups).First()));
        Assert.Empty(Directory.EnumerateFiles(backups, "*.tmp*"));
    }

    [Fact]
    public async Task Migration_ThatIsKilled_IsDoneWholeOrNotAtAll_AndByTheNextStart()
    {
        string before = _folder.File("before.db");
        await using (var old = new SqliteDatabase(before))
        {
            await old.WriteAsync(
                async transaction =>
                {
                    await transaction.Command("CREATE TABLE schema_version (version BIGINT NOT NULL)").RunAsync(default);
                    await transaction.Command(Schema.Migrations[0]).RunAsync(default);
                    await transaction.Command(Schema.Migrations[1]).RunAsync(default);
                    return await transaction.Command("INSERT INTO schema_version (version) VALUES (1), (2)").RunAsync(default);
                }, default);
            await FillAsync(old, "charges");
            using var checkpoint = new SqliteConnection($"Data Source={before};Pooling=False");
            checkpoint.Open();
            using SqliteCommand command = checkpoint.CreateCommand();
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
        }

        for (int kill = 0; kill < Kills; kill++)
        {
            foreach (string file in Directory.EnumerateFiles(_folder.Path, "memo.db*").ToList())
            {
                File.Delete(file);
            }

            File.Copy(before, _folder.File("memo.db"));
            KillWhen(() => File.Exists(_folder.File("memo.db-wal")), "migrate");
            Assert.Equal("ok", Ask("PRAGMA integrity_check"));
            long version = (long)Ask("SELECT MAX(version) FROM schema_version")!;
            string table = version < Schema.Migrations.Count ? "charges" : "settlements";
            Assert.Equal((long)Rows, Ask($"SELECT COUNT(*) FROM {table}"));
            Assert.Equal(table == "charges" ? 1L : 0L, Ask("SELECT COUNT(*) FROM sqlite_master WHERE name = 'charges'"));
        }

        Assert.Equal(0, Run("migrate"));
        Assert.Equal((long)Schema.Migrations.Count, Ask("SELECT MAX(version) FROM schema_version"));
        Assert.Equal((long)Rows, Ask("SELECT COUNT(*) FROM settlements"));
    }

    private static Task<int> FillAsync(SqliteDatabase database, string table) => database.WriteAsync(
        async transaction =>
        {
            string text = new('x', 8_000);
            for (int i = 0; i < Rows; i++)
            {
                string id = i.ToString("D32", CultureInfo.InvariantCulture);
                string sql = table == "charges"
                    ? "INSERT INTO charges (evaluation_id, user_id, at, cost_micro) VALUES (@id, 'anna', @i, 5)"
                    : "INSERT INTO evaluations (id, user_id, status, text, is_mock, created, attempts, token, lease_until, "
                        + "cost_micro, reserved_micro) VALUES (@id, 'anna', 'done', @text, 1, @i, 1, 1, 0, 0, 0)";
                await transaction.Command(sql, ("@id", id), ("@i", i), ("@text", text + i)).RunAsync(default);
            }

            return Rows;
        }, default);

    // Not before it is at work; then after so many milliseconds as the seed says.
    private void KillWhen(Func<bool> isAtWork, string verb)
    {
        using Process process = Start(verb);
        while (!isAtWork() && !process.WaitForExit(1))
        {
            // It starts.
        }

        process.WaitForExit(_random.Next(0, 60));
        process.Kill();
        process.WaitForExit();
    }

    private int Run(string verb)
    {
        using Process process = Start(verb);
        process.WaitForExit();
        return process.ExitCode;
    }

    private Process Start(string verb)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Memo.dll"));
        start.ArgumentList.Add(verb);
        start.Environment["MEMO_DATA"] = _folder.Path;
        return Process.Start(start)!;
    }

    private object? Ask(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_folder.File("memo.db")};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
