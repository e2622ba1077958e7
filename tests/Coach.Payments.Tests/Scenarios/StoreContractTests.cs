using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

public sealed class StoreContractTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<string> Checks => [.. IdempotencyStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task MemoryStore_KeepsTheContract(string check)
    {
        var clock = new VirtualClock();

        await IdempotencyStoreContract.RunAsync(check, new MemoryIdempotencyStore(clock), Advance(clock));
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task FileStore_KeepsTheContract(string check)
    {
        var clock = new VirtualClock();
        using var store = new FileIdempotencyStore(_folder.File("payments.journal"), clock);

        await IdempotencyStoreContract.RunAsync(check, store, Advance(clock));
    }

    public void Dispose() => _folder.Dispose();

    private static Func<TimeSpan, Task> Advance(VirtualClock clock) => time =>
    {
        clock.Advance(time);
        return Task.CompletedTask;
    };
}
