using Coach.Testing;

namespace Coach.Sqlite.Tests.Jobs;

public sealed class SqliteJobStoreTests
{
    public static TheoryData<string> Checks => [.. JobStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Store_KeepsTheContract(string check)
    {
        using var file = new SqliteFile();
        await JobStoreContract.RunAsync(check, new SqliteJobStore(file.Database, file.Clock), file.Advance, TestContext.Current.CancellationToken);
    }
}
