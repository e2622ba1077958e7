using Coach.Testing;

namespace Coach.Sqlite.Tests.Usage;

public sealed class SqliteAuditLogTests
{
    public static TheoryData<string> Checks => [.. AuditLogContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Store_KeepsTheContract(string check)
    {
        using var file = new SqliteFile();
        await AuditLogContract.RunAsync(check, new SqliteAuditLog(file.Database, file.Clock), file.Advance, TestContext.Current.CancellationToken);
    }
}
