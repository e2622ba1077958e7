using Coach.Abstractions;
using Coach.Llm.Resilience;
using Coach.Testing;
using Polly.CircuitBreaker;

namespace Coach.Llm.Tests;

public sealed class KeyCircuitsTests
{
    private readonly VirtualClock _clock = new();
    private readonly LlmRequestOptions _options = new();
    private readonly List<string> _told = [];
    private KeyCircuits? _circuits;

    private KeyCircuits Circuits => _circuits ??= new KeyCircuits(
        _options, _clock, failure => failure is TimeoutException, (key, _) => _told.Add(key), _ => _told.Add("all"));

    [Fact]
    public async Task RunAsync_OneKeyFails_NobodyElseIsRefused()
    {
        await FailAsync("bad", 5);
        Assert.Equal(["bad"], _told);
        Assert.True(await IsRefusedAsync("bad"));
        for (int i = 0; i < 100; i++)
        {
            Assert.False(await IsRefusedAsync($"good-{i}"));
        }

        Assert.False(Circuits.IsOpen);
    }

    [Fact]
    public async Task RunAsync_ACircuitThatOpensOnOneReplica_IsKnownToTheOthers_UntilItCloses()
    {
        var store = new MemoryCooldownStore(_clock);
        KeyCircuits one = Replica(store);
        KeyCircuits other = Replica(store);
        await FailAsync(one, "bad", 5);
        Assert.Equal(["bad"], _told);
        BrokenCircuitException refusal =
            await Assert.ThrowsAsync<BrokenCircuitException>(() => other.RunAsync("bad", () => Task.FromResult(1)));
        Assert.Equal(TimeSpan.FromSeconds(30), refusal.RetryAfter);
        Assert.Equal(1, await other.RunAsync("good", () => Task.FromResult(1)));

        // Another group is another provider.
        Assert.Equal(1, await Replica(store, "else").RunAsync("bad", () => Task.FromResult(1)));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(1, await one.RunAsync("bad", () => Task.FromResult(1)));
        Assert.Equal(1, await other.RunAsync("bad", () => Task.FromResult(1)));
    }

    [Fact]
    public async Task RunAsync_MostKeysFailOnOneReplica_TheOthersRefuseThoseThatFailedThere()
    {
        var store = new MemoryCooldownStore(_clock);
        KeyCircuits one = Replica(store);
        KeyCircuits other = Replica(store);
        await FailAsync(other, "mine", 1);
        await FailAsync(one, "a", 2);
        await FailAsync(one, "b", 2);
        await FailAsync(one, "c", 1);
        Assert.True(one.IsOpen);
        await Assert.ThrowsAsync<BrokenCircuitException>(() => other.RunAsync("mine", () => Task.FromResult(1)));
        Assert.Equal(1, await other.RunAsync("good", () => Task.FromResult(1)));
    }

    [Fact]
    public async Task RunAsync_TheSharedStoreIsAway_EachReplicaKnowsItsOwn()
    {
        KeyCircuits one = Replica(new AwayStore());
        await FailAsync(one, "bad", 5);
        await Assert.ThrowsAsync<BrokenCircuitException>(() => one.RunAsync("bad", () => Task.FromResult(1)));
        Assert.Equal(1, await one.RunAsync("good", () => Task.FromResult(1)));
    }

    // 1,000 keys, 100 of which fail in every way, in every order: nobody pays for another's key.
    [Theory]
    [InlineData("first", 1)]
    [InlineData("last", 2)]
    [InlineData("mixed", 3)]
    [InlineData("mixed", 4)]
    public async Task RunAsync_AHundredOfAThousandKeysFail_TheOthersSeeNoRefusal(string order, int seed)
    {
        var random = new Random(seed);
        int[] keys = [.. Enumerable.Range(0, 1000)];
        if (order == "last")
        {
            Array.Reverse(keys);
        }
        else if (order == "mixed")
        {
            random.Shuffle(keys);
        }

        int refusals = 0, refusedBad = 0;
        for (int round = 0; round < 12; round++)
        {
            foreach (int key in keys)
            {
                bool isBad = key < 100;
                bool isRefused = isBad
                    ? await FailAsync($"key-{key}", 1, key % 2 == 0 ? new TimeoutException() : new InvalidOperationException())
                    : await IsRefusedAsync($"key-{key}");
                refusals += !isBad && isRefused ? 1 : 0;
                refusedBad += isBad && isRefused ? 1 : 0;
            }

            _clock.Advance(TimeSpan.FromMilliseconds(random.Next(2000)));
        }

        Assert.Equal(0, refusals);
        Assert.InRange(refusedBad, 50, 1200); // theirs are refused all the same
    }

    [Fact]
    public async Task RunAsync_AllKeysFail_EachIsRefusedAfterOneFailureOfItsOwn()
    {
        await FailAsync("a", 2);
        await FailAsync("b", 2);
        Assert.False(Circuits.IsOpen);
        await FailAsync("c", 1);
        Assert.True(Circuits.IsOpen);
        Assert.Equal(["all"], _told);
        Assert.True(await IsRefusedAsync("a"));
        Assert.True(await IsRefusedAsync("c"));
        Assert.False(await FailAsync("d", 1));
        Assert.True(Circuits.IsOpenFor("d"));

        BrokenCircuitException refusal = await Assert.ThrowsAsync<BrokenCircuitException>(() => Circuits.RunAsync("a", () => Task.FromResult(1)));
        Assert.Equal(TimeSpan.FromSeconds(30), refusal.RetryAfter);
    }

    [Fact]
    public async Task RunAsync_AfterTheBreak_OneThatSucceedsOpensTheDoorForAll()
    {
        foreach (string key in (string[])["a", "b", "c"])
        {
            await FailAsync(key, 2);
        }

        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.False(await IsRefusedAsync("a"));
        Assert.False(Circuits.IsOpen);
        Assert.False(await IsRefusedAsync("b"));
    }

    [Fact]
    public async Task RunAsync_FewOfManyKeysFail_IsNotTheProvider()
    {
        for (int i = 0; i < 7; i++)
        {
            Assert.False(await IsRefusedAsync($"good-{i}"));
        }

        foreach (string key in (string[])["a", "b", "c"])
        {
            await FailAsync(key, 4);
        }

        Assert.False(Circuits.IsOpen);
        Assert.Empty(_told);
        Assert.False(await IsRefusedAsync("a"));
    }

    [Fact]
    public async Task RunAsync_NoCircuits_NeverRefuses()
    {
        _options.CircuitMinimumCalls = 0;
        Assert.False(await FailAsync("a", 50));
        Assert.False(await IsRefusedAsync("a"));
    }

    [Fact]
    public async Task RunAsync_FailuresAtOnce_AllCount()
    {
        var gate = new TaskCompletionSource();
        Task[] calls = [.. Enumerable.Range(0, 8).Select(_ => Circuits.RunAsync<int>("a", async () =>
        {
            await gate.Task;
            throw new TimeoutException();
        }))];
        gate.SetResult();
        foreach (Task call in calls)
        {
            await Assert.ThrowsAsync<TimeoutException>(() => call);
        }

        Assert.True(await IsRefusedAsync("a"));
        Assert.False(await IsRefusedAsync("b"));
    }

    private async Task<bool> IsRefusedAsync(string key) =>
        await Record.ExceptionAsync(() => Circuits.RunAsync(key, () => Task.FromResult(1))) is BrokenCircuitException;

    private async Task<bool> FailAsync(string key, int times, Exception? failure = null)
    {
        bool isRefused = false;
        for (int i = 0; i < times; i++)
        {
            isRefused |= await Record.ExceptionAsync(
                () => Circuits.RunAsync<int>(key, () => Task.FromException<int>(failure ?? new TimeoutException()))) is BrokenCircuitException;
        }

        return isRefused;
    }

    private static async Task FailAsync(KeyCircuits circuits, string key, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await Assert.ThrowsAsync<TimeoutException>(
                () => circuits.RunAsync<int>(key, () => throw new TimeoutException()));
        }
    }

    private KeyCircuits Replica(ICooldownStore store, string provider = "gemini") => new(
        _options, _clock, failure => failure is TimeoutException, (key, _) => _told.Add(key), _ => _told.Add("all"),
        new SharedCooldowns(store, provider));

    private sealed class AwayStore : ICooldownStore
    {
        public ValueTask SetAsync(
            string group, string name, TimeSpan wait, CancellationToken cancellationToken = default) => throw Away();

        public ValueTask ClearAsync(string group, string name, CancellationToken cancellationToken = default) =>
            throw Away();

        public ValueTask<IReadOnlyList<TimeSpan>> LeftAsync(
            string group, IReadOnlyList<string> names, CancellationToken cancellationToken = default) => throw Away();

        private static StoreException Away() => new("redis", "say what rests");
    }
}
