using Coach.Testing;

namespace Coach.Usage.Tests.Budgets;

public sealed class MemoryBudgetStoreTests
{
    public static TheoryData<string> Checks => [.. BudgetStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Store_KeepsTheContract(string check)
    {
        var clock = new VirtualClock();
        return BudgetStoreContract.RunAsync(check, new MemoryBudgetStore(clock), time =>
        {
            clock.Advance(time);
            return Task.CompletedTask;
        });
    }
}
