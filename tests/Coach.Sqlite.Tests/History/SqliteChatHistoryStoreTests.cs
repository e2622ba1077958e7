using Coach.Testing;

namespace Coach.Sqlite.Tests.History;

public sealed class SqliteChatHistoryStoreTests
{
    public static TheoryData<string> Checks => [.. ChatHistoryStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Store_KeepsTheContract(string check)
    {
        using var file = new SqliteFile();
        await ChatHistoryStoreContract.RunAsync(check, new SqliteChatHistoryStore(file.Database, file.Clock), file.Advance, TestContext.Current.CancellationToken);
    }
}
