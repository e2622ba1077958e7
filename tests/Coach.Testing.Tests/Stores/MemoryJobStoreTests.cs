namespace Coach.Testing.Tests;

public sealed class MemoryJobStoreTests
{
    public static TheoryData<string> Checks => [.. JobStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        return JobStoreContract.RunAsync(
            check,
            new MemoryJobStore(clock),
            span =>
            {
                clock.Advance(span);
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }
}
