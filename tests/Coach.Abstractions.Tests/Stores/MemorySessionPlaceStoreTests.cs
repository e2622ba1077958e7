using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class MemorySessionPlaceStoreTests
{
    public static TheoryData<string> Checks => [.. SessionPlaceStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        return SessionPlaceStoreContract.RunAsync(
            check, new MemorySessionPlaceStore(clock),
            span =>
            {
                clock.Advance(span);
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }
}
