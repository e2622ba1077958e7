using Coach.Abstractions;
using Coach.Llm;
using Coach.Postgres.Connections;
using Coach.Postgres.History;
using Coach.Postgres.Jobs;
using Coach.Postgres.Payments;
using Coach.Postgres.Sessions;
using Coach.Postgres.Usage;
using Coach.Postgres.Vectors;
using Coach.Testing;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Postgres.Tests;

/// <summary>Each store keeps the contract of its seam.</summary>
public sealed class StoreContractTests(PostgresServers servers)
{
    public static TheoryData<string> Payments => [.. IdempotencyStoreContract.Names];

    public static TheoryData<string> Histories => [.. ChatHistoryStoreContract.Names];

    public static TheoryData<string> Jobs => [.. JobStoreContract.Names];

    public static TheoryData<string> Ended => [.. RevokedSessionStoreContract.Names];

    public static TheoryData<string> Vectors => [.. EmbeddingCacheContract.Names];

    public static TheoryData<string> Ledgers => [.. UsageLedgerContract.Names];

    public static TheoryData<string> Budgets => [.. BudgetStoreContract.Names];

    public static TheoryData<string> AuditLogs => [.. AuditLogContract.Names];

    [Theory]
    [MemberData(nameof(Payments))]
    public Task PaymentRecords_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        IdempotencyStoreContract.RunAsync(check, new PostgresIdempotencyStore(database), advance, token));

    [Theory]
    [MemberData(nameof(Histories))]
    public Task Histories_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        ChatHistoryStoreContract.RunAsync(
            check,
            new PostgresChatHistoryStore(
                database, new SealedMessages(new EphemeralDataProtectionProvider()), new ChatHistoryOptions()),
            advance, token));

    [Theory]
    [MemberData(nameof(Jobs))]
    public Task Jobs_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        JobStoreContract.RunAsync(check, new PostgresJobStore(database), advance, token));

    [Theory]
    [MemberData(nameof(Ended))]
    public Task EndedSessions_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        RevokedSessionStoreContract.RunAsync(check, new PostgresRevokedSessionStore(database), advance, token));

    [Theory]
    [MemberData(nameof(Vectors))]
    public Task Vectors_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        EmbeddingCacheContract.RunAsync(check, new PostgresEmbeddingCache(database), advance, token));

    [Theory]
    [MemberData(nameof(Ledgers))]
    public Task Ledgers_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        UsageLedgerContract.RunAsync(
            check, new PostgresUsageLedger(database, "0123456789abcdef"u8.ToArray()), advance, token));

    [Theory]
    [MemberData(nameof(Budgets))]
    public Task Budgets_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        BudgetStoreContract.RunAsync(check, new PostgresBudgetStore(database), advance, token));

    [Theory]
    [MemberData(nameof(AuditLogs))]
    public Task AuditLogs_KeepTheContract(string check) => RunAsync((database, advance, token) =>
        AuditLogContract.RunAsync(check, new PostgresAuditLog(database), advance, token));

    internal static TimeSpan Break { get; } = TimeSpan.FromMilliseconds(100);

    internal static PostgresDatabase Open(
        string connectionString, string? schema = null, double seconds = 30, TimeProvider? time = null) => new(
        new CoachPostgresOptions
        {
            ConnectionString = connectionString,
            Schema = schema ?? NewSchema(),
            TimeLimit = TimeSpan.FromSeconds(seconds),
            BreakDuration = Break,
        },
        time ?? TimeProvider.System, NullLogger<StoreGuard>.Instance, meters: null);

    internal static string NewSchema() => "t_" + Guid.NewGuid().ToString("N")[..12];

    private async Task RunAsync(Func<PostgresDatabase, Func<TimeSpan, Task>, CancellationToken, Task> check)
    {
        await using PostgresDatabase database = Open(servers.ConnectionString);
        await check(
            database,
            span =>
            {
                database.ClockOffset += span;
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }
}
