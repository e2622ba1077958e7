using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class MemoryCooldownStoreTests
{
    public static TheoryData<string> Checks => [.. CooldownStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        return CooldownStoreContract.RunAsync(
            check, new MemoryCooldownStore(clock),
            span =>
            {
                clock.Advance(span);
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task SetAsync_MoreThanFit_ForgetsTheFirst()
    {
        var store = new MemoryCooldownStore(new VirtualClock(), maxEntries: 2);
        TimeSpan minute = TimeSpan.FromMinutes(1);
        foreach (string name in (string[])["a", "b", "c"])
        {
            await store.SetAsync("g", name, minute);
        }

        Assert.Equal([TimeSpan.Zero, minute, minute], await store.LeftAsync("g", ["a", "b", "c"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryCooldownStore(new VirtualClock(), 0));
    }
}
