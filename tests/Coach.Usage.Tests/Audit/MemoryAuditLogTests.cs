using Coach.Testing;

namespace Coach.Usage.Tests.Audit;

public sealed class MemoryAuditLogTests
{
    public static TheoryData<string> Checks => [.. AuditLogContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Store_KeepsTheContract(string check)
    {
        var clock = new VirtualClock();
        return AuditLogContract.RunAsync(check, new MemoryAuditLog(clock), time =>
        {
            clock.Advance(time);
            return Task.CompletedTask;
        });
    }
}
