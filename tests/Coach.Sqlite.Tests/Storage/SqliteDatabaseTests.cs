using Coach.Abstractions;
using Coach.Llm;
using Coach.Payments;
using Coach.Usage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Sqlite.Tests.Storage;

public sealed class SqliteDatabaseTests
{
    [Fact]
    public void File_OfSomebodyElse_IsLeftAsItIs()
    {
        using var folder = new TempFolder();
        string text = Path.Combine(folder.Path, "notes.txt");
        File.WriteAllText(text, new string('x', 5_000));
        Assert.Throws<InvalidDataException>(() => new SqliteDatabase(new CoachSqliteOptions { Path = text }));
        Assert.Equal(new string('x', 5_000), File.ReadAllText(text));

        string other = Path.Combine(folder.Path, "other.db");
        Run(other, "CREATE TABLE theirs (x)");
        InvalidDataException refused = Assert.Throws<InvalidDataException>(
            () => new SqliteDatabase(new CoachSqliteOptions { Path = other }));
        Assert.Equal("The file is a SQLite database of somebody else's; it was left as it is.", refused.Message);
    }

    [Fact]
    public async Task File_OfTheHostsOwn_GetsTheTablesBesideTheHosts_AndKeepsItsHeader()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "host.db");
        Run(path, "CREATE TABLE theirs (x); PRAGMA application_id=7; PRAGMA user_version=5");
        for (int start = 0; start < 2; start++)
        {
            using var database = new SqliteDatabase(new CoachSqliteOptions { Path = path, IsShared = true });
            var budgets = new SqliteBudgetStore(database, TimeProvider.System);
            BudgetCharge[] charges = [new("day", 1, 10, null)];
            Assert.Equal(start == 0, await budgets.SettleAsync("job", charges));
        }

        Run(path, "UPDATE meta SET value = 99 WHERE name = 'version'");
        InvalidDataException refused = Assert.Throws<InvalidDataException>(
            () => new SqliteDatabase(new CoachSqliteOptions { Path = path, IsShared = true }));
        Assert.StartsWith("The file has tables of version 99", refused.Message, StringComparison.Ordinal);
        Assert.Equal([7L, 5L], [Read(path, "PRAGMA application_id"), Read(path, "PRAGMA user_version")]);
        Assert.Throws<InvalidDataException>(() => new SqliteDatabase(new CoachSqliteOptions { Path = path }));
    }

    [Fact]
    public void File_OfALaterVersion_IsRefused()
    {
        using var file = new SqliteFile();
        file.Database.Dispose();
        Run(file.Path, "PRAGMA user_version=99");
        Assert.StartsWith(
            "The file has tables of version 99; this package knows up to 1.",
            Assert.Throws<InvalidDataException>(() => file.Open()).Message, StringComparison.Ordinal);
        Run(file.Path, "PRAGMA user_version=1");
        file.Reopen();
    }

    [Fact]
    public void Folder_ThatIsMissing_IsAStoreThatIsAway() => Assert.Equal(
        ErrorCodes.StoreUnavailable,
        Assert.Throws<StoreException>(
            () => new SqliteDatabase(new CoachSqliteOptions { Path = "/nowhere/at/all.db" })).Code);

    [Fact]
    public async Task Writes_OfTwoProcesses_TakeTurns()
    {
        using var file = new SqliteFile();
        using SqliteDatabase other = file.Open();
        IUsageLedger[] ledgers =
            [new SqliteUsageLedger(file.Database, file.Clock), new SqliteUsageLedger(other, file.Clock)];

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(() => ledgers[i % 2].AppendAsync(
            new LedgerTransaction
            {
                Key = $"k{i / 2}",
                Kind = LedgerEntryKind.Usage,
                Account = "usage:a",
                Contra = LedgerAccount.AppUsage,
                Amount = new MicroAmount(-1, "usd"),
            }).AsTask())));

        Assert.Equal(-50, (await ledgers[0].GetBalanceAsync("usage:a", "usd")).Micros);
        LedgerVerification found = await ledgers[1].VerifyAsync();
        Assert.Empty(found.Problems);
        Assert.Equal(100, found.Entries);
    }

    [Fact]
    public async Task Write_ThatIsRefused_LeavesTheOthersOfItsBatchAlone()
    {
        using var file = new SqliteFile();
        var ledger = new SqliteUsageLedger(file.Database, file.Clock);
        LedgerTransaction good = new()
        {
            Key = "k",
            Kind = LedgerEntryKind.Usage,
            Account = "usage:a",
            Contra = LedgerAccount.AppUsage,
            Amount = new MicroAmount(-1, "usd"),
        };
        await ledger.AppendAsync(good);

        Task[] all =
        [
            .. Enumerable.Range(0, 40).Select(i => ledger.AppendAsync(
                i % 2 == 0 ? good with { Key = $"k{i}" } : good with { Amount = new MicroAmount(-2, "usd") }).AsTask()),
        ];
        await Task.WhenAll(all).ContinueWith(_ => { }, TaskScheduler.Default);

        Assert.Equal(20, all.Count(task => task.IsCompletedSuccessfully));
        Assert.All(
            all.Where(task => task.IsFaulted),
            task => Assert.IsType<UsageException>(task.Exception!.InnerException));
        Assert.Equal(-21, (await ledger.GetBalanceAsync("usage:a", "usd")).Micros);
    }

    [Fact]
    public async Task Registration_ReplacesTheStoresInMemory()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "coach.db");
        await using var host = new TestHost(services =>
        {
            services.AddCoachUsage();
            services.AddCoachPayments();
            services.AddCoachLlm();
            services.AddCoachSqlite(path, options => options.MaxMessages = 10);
        });

        Assert.IsType<SqliteUsageLedger>(host.Get<IUsageLedger>());
        Assert.IsType<SqliteBudgetStore>(host.Get<IBudgetStore>());
        Assert.IsType<SqliteAuditLog>(host.Get<IAuditLog>());
        Assert.IsType<SqliteTabStore>(host.Get<ITabStore>());
        Assert.IsType<SqliteJobStore>(host.Get<IJobStore>());
        IChatHistoryStore history = Assert.IsType<SqliteChatHistoryStore>(host.Get<IChatHistoryStore>());
        var caller = new CallerContext(SessionId.From("s"));
        for (int i = 0; i < 8; i++)
        {
            await history.AppendAsync(
                caller, "c",
                [new ChatMessage(ChatRole.User, $"q{i}"), new ChatMessage(ChatRole.Assistant, $"a{i}")]);
        }

        IReadOnlyList<ChatMessage> kept = await history.LoadAsync(caller, "c");
        Assert.Equal(10, kept.Count);
        Assert.Equal("q3", kept[0].Text);
    }

    [Theory]
    [InlineData(0, 30, 1, 10)]
    [InlineData(1_000_001, 30, 1, 10)]
    [InlineData(1, 0, 1, 10)]
    [InlineData(1, 601, 1, 10)]
    [InlineData(1, 30, 0, 10)]
    [InlineData(1, 30, 6_000_000, 10)]
    [InlineData(1, 30, 1, 1)]
    [InlineData(1, 30, 1, 100_001)]
    public void Options_OutOfRange_AreRefused(int waiting, int busySeconds, int lifetimeMinutes, int messages)
    {
        using var folder = new TempFolder();
        Assert.Throws<ArgumentOutOfRangeException>(() => new SqliteDatabase(new CoachSqliteOptions
        {
            Path = Path.Combine(folder.Path, "x.db"),
            MaxWaitingWrites = waiting,
            BusyTimeout = TimeSpan.FromSeconds(busySeconds),
            HistoryLifetime = TimeSpan.FromMinutes(lifetimeMinutes),
            MaxMessages = messages,
        }));
    }

    private static object? Read(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static void Run(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
