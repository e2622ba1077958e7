using Memo.Data;
using Memo.Operations;
using Memo.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace Memo.Tests.Operations;

public sealed class BackupTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Create_WhileTheHostRuns_IsWholeAndRestorable()
    {
        string id;
        string path;
        await using (MemoApp app = await MemoApp.StartAsync(_folder.Path))
        {
            id = (await app.Client.EvaluateAsync(Texts.Memo)).GetProperty("id").GetString()!;
            path = Backup.Create((SqliteDatabase)app.Get<MemoDatabase>(), _folder.File("kept"), Now, 7);
            Assert.Equal(1, Backup.Verify(path));
            await app.Client.DeleteAsync($"evaluations/{id}");
        }

        Assert.Equal(0, await VerbAsync("restore", path));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.restoring*"));
        await using MemoApp again = await MemoApp.StartAsync(_folder.Path);
        Assert.Equal(Texts.Memo, await again.Client.GetStringAsync($"evaluations/{id}/text"));
        Assert.Equal(1, await VerbAsync("restore", path)); // the host holds the folder
    }

    [Fact]
    public async Task Create_KeepsTheNewestSeven_AndClearsWhatAKillLeft()
    {
        await using var database = new SqliteDatabase(_folder.File("memo.db"));
        await database.MigrateAsync(default);
        string backups = _folder.File("backups");
        Directory.CreateDirectory(backups);
        File.WriteAllText(Path.Combine(backups, "memo-20200101-000000-000.db.gz.tmp.gz"), "half");
        string[] made = [.. Enumerable.Range(0, 9).Select(day => Backup.Create(database, backups, Now.AddDays(day), 7))];
        Assert.Equal(made[2..].Order(), Directory.GetFiles(backups).Order());
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("empty")]
    [InlineData("text")]
    [InlineData("missing")]
    public async Task Restore_ADamagedBackup_IsRefused_AndTheDatabaseStays(string damage)
    {
        await using (var database = new SqliteDatabase(_folder.File("memo.db")))
        {
            await database.MigrateAsync(default);
            string path = Backup.Create(database, _folder.File("backups"), Now, 7);
            byte[] bytes = File.ReadAllBytes(path);
            File.Delete(path);
            switch (damage)
            {
                case "cut":
                    File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
                    break;
                case "flipped":
                    bytes[bytes.Length / 2] ^= 0xFF;
                    File.WriteAllBytes(path, bytes);
                    break;
                case "empty":
                    File.WriteAllBytes(path, []);
                    break;
                case "text":
                    File.WriteAllText(path, "no backup at all");
                    break;
            }
        }

        byte[] before = File.ReadAllBytes(_folder.File("memo.db"));
        string backup = _folder.File("backups/memo-20261129-030000-000.db.gz");
        Assert.Equal(1, await VerbAsync("verify", backup));
        Assert.Equal(1, await VerbAsync("restore", backup));
        Assert.Equal(before, File.ReadAllBytes(_folder.File("memo.db")));
    }

    [Fact]
    public async Task Verbs_WithoutADatabaseOrWithWrongWords_FailWithASentence()
    {
        Assert.Equal(1, await VerbAsync("backup"));
        Assert.Equal(1, await VerbAsync("restore"));
        Assert.Equal(0, await VerbAsync("migrate"));
        Assert.Equal(0, await VerbAsync("backup"));
        Assert.Equal(1, await VerbAsync("migrate", "--to", "postgres"));
        Assert.True(Verbs.IsOne(["verify"]));
        Assert.False(Verbs.IsOne(["--urls"]));
    }

    private Task<int> VerbAsync(params string[] args)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection([new("MEMO_DATA", _folder.Path)]).Build();
        return Verbs.RunAsync(args, configuration, TimeProvider.System);
    }
}
