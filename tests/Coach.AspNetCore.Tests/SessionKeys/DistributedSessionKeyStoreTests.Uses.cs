using Coach.Abstractions;
using Coach.Llm;
using Microsoft.AspNetCore.DataProtection;
using Secret = Coach.Abstractions.Secret;

namespace Coach.AspNetCore.Tests.SessionKeys;

/// <summary>The time of last use has an entry of its own.</summary>
public sealed partial class DistributedSessionKeyStoreTests
{
    private static readonly ApiKey Rotated = new("gemini", Secret.From("AIza-rotated-9876543210"));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Use_KeyReplacedMeanwhile_LeavesTheNewKey(bool byTouch)
    {
        ISessionKeyStore store = Build(), other = Build();
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(19));
        _cache.BeforeNextWrite = () => other.SetAsync(Alice, Rotated, Token).AsTask();
        await UseAsync(store, byTouch);

        Assert.Null(_cache.BeforeNextWrite);
        Assert.Equal(Rotated, await store.GetAsync(Alice, "gemini", Token));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Use_KeyRemovedMeanwhile_DoesNotBringItBack(bool byTouch, bool wholeSession)
    {
        ISessionKeyStore store = Build(), other = Build();
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(19));
        _cache.BeforeNextWrite = () => wholeSession ? other.RemoveAsync(Alice, Token).AsTask() : other.RemoveAsync(Alice, "gemini", Token).AsTask();
        await UseAsync(store, byTouch);

        Assert.Null(_cache.BeforeNextWrite);
        Assert.Null(await store.GetAsync(Alice, "gemini", Token));
        Assert.Empty(await other.ListAsync(Alice, Token));
        await other.RemoveAsync(Alice, Token);
        Assert.Empty(_cache.Entries); // also the time that was written last
    }

    [Fact]
    public async Task Use_AnyNumberOfTimes_NeverWritesTheKeysEntry()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        (string name, byte[] bytes) = Assert.Single(_cache.Entries);
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromMinutes(19));
            Assert.True(await store.TouchAsync(Alice, Token));
        }

        Assert.Same(bytes, _cache.Entries[name]);
        string used = _cache.Entries.Keys.Single(entry => entry != name);
        Assert.DoesNotContain("alice", used, StringComparison.Ordinal);
        Assert.DoesNotContain(Key.Fingerprint, used, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_KeySetAgainAfterUse_CountsFromTheLaterTime()
    {
        ISessionKeyStore store = Build(options: o => o.SlidingExpiration = TimeSpan.FromMinutes(20));
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(10));
        await store.TouchAsync(Alice, Token);
        _clock.Advance(TimeSpan.FromMinutes(5));
        await store.SetAsync(Alice, Rotated, Token);
        _clock.Advance(TimeSpan.FromMinutes(19));
        Assert.Equal([Rotated], await store.ListAsync(Alice, Token));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await store.ListAsync(Alice, Token));
        Assert.Empty(_cache.Entries);
    }

    [Fact]
    public async Task GetAsync_TimeOfUseTamperedCopiedOrLost_IsRefusedAndTheKeyEndsWithoutIt()
    {
        ISessionKeyStore store = Build(options: o => o.SlidingExpiration = TimeSpan.FromMinutes(20));
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Bob, Key, Token);
        string[] keys = [.. _cache.Entries.Keys];
        string alices = keys[0];
        _clock.Advance(TimeSpan.FromMinutes(19));
        await store.TouchAsync(Alice, Token);
        string used = _cache.Entries.Keys.Except(keys).Single();
        await store.TouchAsync(Bob, Token);
        string bobs = _cache.Entries.Keys.Except(keys).Single(entry => entry != used);
        (byte[] key, byte[] time) = (_cache.Entries[alices], _cache.Entries[used]);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.NotEmpty(await store.ListAsync(Alice, Token));

        IDataProtector seal = _ring.CreateProtector("Coach.SessionKeys.v1", "coach", "alice", "gemini").CreateProtector("used");
        byte[][] wrong =
        [
            [], time[..^1], [.. time[..^1], (byte)(time[^1] ^ 1)], _cache.Entries[bobs], key,
            seal.Protect([]), seal.Protect([1]), seal.Protect([2, .. BitConverter.GetBytes(_clock.GetUtcNow().UtcTicks)]),
            seal.Protect([1, .. BitConverter.GetBytes(-1L)]), seal.Protect([1, .. BitConverter.GetBytes(long.MaxValue)]),
        ];
        foreach (byte[] bytes in wrong)
        {
            (_cache.Entries[alices], _cache.Entries[used]) = (key, bytes);
            Assert.Empty(await store.ListAsync(Alice, Token));
            Assert.DoesNotContain(alices, _cache.Entries.Keys);
            Assert.DoesNotContain(used, _cache.Entries.Keys);
        }

        _cache.Entries[alices] = key;
        Assert.Empty(await store.ListAsync(Alice, Token));
        Assert.NotEmpty(await store.ListAsync(Bob, Token));
    }

    private static async Task UseAsync(ISessionKeyStore store, bool byTouch)
    {
        if (byTouch)
        {
            Assert.True(await store.TouchAsync(Alice, Token));
        }
        else
        {
            Assert.Equal(Key, await store.GetAsync(Alice, "gemini", Token));
        }
    }
}
