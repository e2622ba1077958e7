using Coach.Testing;

namespace Coach.Sqlite.Tests.Usage;

public sealed class SqliteBudgetStoreTests
{
    public static TheoryData<string> Checks => [.. BudgetStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Store_KeepsTheContract(string check)
    {
        using var file = new SqliteFile();
        await BudgetStoreContract.RunAsync(check, new SqliteBudgetStore(file.Database, file.Clock), file.Advance, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Reservation_OfAProcessThatDied_EndsWithItsLease()
    {
        using var file = new SqliteFile();
        TimeSpan lease = TimeSpan.FromMinutes(1);
        Coach.Usage.BudgetCharge[] charges = [new("c", 60, 100, null)];
        await new SqliteBudgetStore(file.Database, file.Clock).ReserveAsync("a", charges, lease);

        file.Reopen();
        var store = new SqliteBudgetStore(file.Database, file.Clock);
        Assert.False((await store.ReserveAsync("b", charges, lease)).IsGranted);
        file.Clock.Advance(lease);
        Assert.True((await store.ReserveAsync("b", charges, lease)).IsGranted);
        Assert.Equal("a", Assert.Single(await store.ListExpiredAsync()).Id);
    }
}
