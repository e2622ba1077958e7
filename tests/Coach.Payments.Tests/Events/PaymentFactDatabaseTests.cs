using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Coach.Payments.Tests.Events;

/// <summary>"Do it once" in a real database of the host's.</summary>
public sealed class PaymentFactDatabaseTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _file;

    public PaymentFactDatabaseTests()
    {
        _file = _folder.File("shop.db");
        using DbConnection connection = Open();
        Run(connection, "CREATE TABLE coach_payment_facts (id TEXT PRIMARY KEY)");
        Run(connection, "CREATE TABLE shipped (fact TEXT)");
    }

    [Fact]
    public async Task TryBeginAsync_CommittedWork_IsDoneOnce()
    {
        PaymentFact fact = NewFact("a");
        Assert.True(await ShipAsync(fact));
        Assert.False(await ShipAsync(fact));
        Assert.True(await ShipAsync(NewFact("b")));

        Assert.Equal([NewFact("a").Id, NewFact("b").Id], Shipped());
    }

    [Fact]
    public async Task TryBeginAsync_RolledBack_LeavesNoNoteAndTheFactIsDoneLater()
    {
        PaymentFact fact = NewFact("a");
        using (DbConnection connection = Open())
        {
            using DbTransaction transaction = connection.BeginTransaction();
            Assert.True(await fact.TryBeginAsync(transaction));
            Run(connection, $"INSERT INTO shipped VALUES ('{fact.Id}')", transaction);
            transaction.Rollback();
        }

        Assert.Empty(Shipped());
        Assert.True(await ShipAsync(fact));
        Assert.Single(Shipped());
    }

    [Fact]
    public async Task TryBeginAsync_ADeadHost_LeavesNoNote()
    {
        PaymentFact fact = NewFact("a");
        using (DbConnection connection = Open())
        {
            // Neither commit nor rollback: the connection goes with its process.
            DbTransaction transaction = connection.BeginTransaction();
            Assert.True(await fact.TryBeginAsync(transaction));
        }

        Assert.True(await ShipAsync(fact));
    }

    [Fact]
    public async Task TryBeginAsync_TwiceInOneTransaction_SaysSo()
    {
        using DbConnection connection = Open();
        using DbTransaction transaction = connection.BeginTransaction();

        Assert.True(await NewFact("a").TryBeginAsync(transaction));
        Assert.False(await NewFact("a").TryBeginAsync(transaction));
    }

    [Fact]
    public async Task TryBeginAsync_WhileAnotherTransactionNotesIt_NeverSaysYesTwice()
    {
        PaymentFact fact = NewFact("a");
        using DbConnection first = Open();
        using DbConnection second = Open();
        using DbTransaction one = first.BeginTransaction();
        Assert.True(await fact.TryBeginAsync(one));

        // SQLite lets one writer in at a time: the other one is refused before it begins.
        Assert.ThrowsAny<DbException>(() => second.BeginTransaction());
        one.Commit();
        using DbTransaction two = second.BeginTransaction();

        Assert.False(await fact.TryBeginAsync(two));
    }

    [Fact]
    public async Task TryBeginAsync_ManyHandlersAtOnce_OneDoesTheWork()
    {
        PaymentFact fact = NewFact("a");
        bool[] begun = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => ShipAsync(fact, wait: 30))));

        Assert.Single(begun, static isFirst => isFirst);
        Assert.Single(Shipped());
    }

    [Fact]
    public async Task TryBeginAsync_WithinAHandler_IsDoneOnceThoughTheConfirmationWasLost()
    {
        using var shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook("checkout.session.completed"));
        PaymentFact taken = Assert.Single(await shop.Host.Events.ClaimAsync(10));
        Assert.True(await ShipAsync(taken));

        // The host died before it confirmed: after the lease the fact comes again.
        shop.Host.Clock.Advance(TimeSpan.FromMinutes(2));
        PaymentFact again = Assert.Single(await shop.Host.Events.ClaimAsync(10));

        Assert.False(await ShipAsync(again));
        Assert.True(await shop.Host.Events.ConfirmAsync(again));
        Assert.Single(Shipped());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("facts; DROP TABLE shipped")]
    [InlineData("facts--")]
    [InlineData("\"facts\"")]
    [InlineData("[facts]")]
    [InlineData("fa'cts")]
    [InlineData("fácts")]
    [InlineData("facts\u0000")]
    [InlineData("facts)")]
    [InlineData(null)]
    public async Task TryBeginAsync_ANameThatIsNone_IsRefusedBeforeAnythingRuns(string? table)
    {
        using DbConnection connection = Open();
        using DbTransaction transaction = connection.BeginTransaction();

        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(
            () => NewFact("a").TryBeginAsync(transaction, table!));

        Assert.StartsWith("A table's name has 1 to 128 letters", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Shipped(connection, transaction));
    }

    [Fact]
    public async Task TryBeginAsync_ATableOfItsOwn_IsUsedWithItsSchema()
    {
        using DbConnection connection = Open();
        Run(connection, "CREATE TABLE done_2 (id TEXT PRIMARY KEY)");
        using DbTransaction transaction = connection.BeginTransaction();

        Assert.True(await NewFact("a").TryBeginAsync(transaction, "main.done_2"));
        Assert.True(await NewFact("a").TryBeginAsync(transaction));
        await Assert.ThrowsAsync<ArgumentException>(() =>
            NewFact("a").TryBeginAsync(transaction, new string('t', 129)));
    }

    [Fact]
    public async Task TryBeginAsync_ATableThatIsMissing_IsTheDatabasesError()
    {
        using DbConnection connection = Open();
        using DbTransaction transaction = connection.BeginTransaction();

        await Assert.ThrowsAnyAsync<DbException>(() => NewFact("a").TryBeginAsync(transaction, "nowhere"));
    }

    [Fact]
    public async Task TryBeginAsync_ATransactionThatIsOver_IsTheCallersMistake()
    {
        using DbConnection connection = Open();
        DbTransaction transaction = connection.BeginTransaction();
        transaction.Commit();

        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(
            () => NewFact("a").TryBeginAsync(transaction));
        Assert.StartsWith("The transaction is over.", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentNullException>(() => NewFact("a").TryBeginAsync(null!));
        await Assert.ThrowsAsync<ArgumentNullException>(() => ((PaymentFact)null!).TryBeginAsync(transaction));
    }

    [Fact]
    public async Task TryBeginAsync_Cancelled_NotesNothing()
    {
        PaymentFact fact = NewFact("a");
        using (DbConnection connection = Open())
        {
            using DbTransaction transaction = connection.BeginTransaction();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                fact.TryBeginAsync(transaction, cancellationToken: new CancellationToken(canceled: true)));
        }

        Assert.True(await ShipAsync(fact));
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private static PaymentFact NewFact(string name) => new()
    {
        Id = "fact_" + new string(name[0], 32),
        Kind = PaymentFactKind.Paid,
        OccurredAt = DateTimeOffset.UnixEpoch,
        Tag = "tag",
        OperationKey = "order-1:1",
        Metadata = new Dictionary<string, string>(),
        LinkId = "plink_1",
        MinorUnits = 1250,
        Currency = "usd",
    };

    private async Task<bool> ShipAsync(PaymentFact fact, int wait = 0)
    {
        using DbConnection connection = Open(wait);
        using DbTransaction transaction = connection.BeginTransaction();
        if (!await fact.TryBeginAsync(transaction))
        {
            return false;
        }

        Run(connection, $"INSERT INTO shipped VALUES ('{fact.Id}')", transaction);
        transaction.Commit();
        return true;
    }

    private SqliteConnection Open(int wait = 0)
    {
        // A wait of 0 would be for ever; what is locked is refused at once unless a test waits.
        var connection = new SqliteConnection($"Data Source={_file};Default Timeout={Math.Max(1, wait)};Pooling=False");
        connection.Open();
        return connection;
    }

    private string[] Shipped()
    {
        using DbConnection connection = Open();
        return Shipped(connection, null);
    }

    private static string[] Shipped(DbConnection connection, DbTransaction? transaction)
    {
        using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "SELECT fact FROM shipped ORDER BY fact";
        using DbDataReader reader = command.ExecuteReader();
        var facts = new List<string>();
        while (reader.Read())
        {
            facts.Add(reader.GetString(0));
        }

        return [.. facts];
    }

    private static void Run(DbConnection connection, string sql, DbTransaction? transaction = null)
    {
        using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // the texts stand above
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
