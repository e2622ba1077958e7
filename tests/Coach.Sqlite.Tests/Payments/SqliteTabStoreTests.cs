using Coach.Testing;

namespace Coach.Sqlite.Tests.Payments;

public sealed class SqliteTabStoreTests
{
    public static TheoryData<string> Checks => [.. TabStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Store_KeepsTheContract(string check)
    {
        using var file = new SqliteFile();
        await TabStoreContract.RunAsync(check, new SqliteTabStore(file.Database), file.Advance, TestContext.Current.CancellationToken);
    }
}
