using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class MemoryConcurrencyStoreTests
{
    public static TheoryData<string> Checks => [.. ConcurrencyStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        return ConcurrencyStoreContract.RunAsync(
            check, new MemoryConcurrencyStore(clock),
            span =>
            {
                clock.Advance(span);
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }
}
