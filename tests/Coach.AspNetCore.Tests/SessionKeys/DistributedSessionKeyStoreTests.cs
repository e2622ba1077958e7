using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Testing;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Secret = Coach.Abstractions.Secret;

namespace Coach.AspNetCore.Tests.SessionKeys;

public sealed class DistributedSessionKeyStoreTests : IDisposable
{
    private const string Value = "AIza-CANARY-0123456789";

    private static readonly SessionId Alice = SessionId.From("alice");
    private static readonly SessionId Bob = SessionId.From("bob");
    private static readonly ApiKey Key = new("gemini", Secret.From(Value));
    private static readonly ApiKey Acme = new("acme", Secret.From("acme-key"));

    private readonly VirtualClock _clock = new();
    private readonly OpenCache _cache = new();
    private readonly EphemeralDataProtectionProvider _ring = new();
    private readonly List<ServiceProvider> _hosts = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _hosts.ForEach(host => host.Dispose());

    [Fact]
    public async Task GetAsync_KeySetByAnotherReplica_ReturnsIt()
    {
        ISessionKeyStore first = Build(), second = Build();
        await first.SetAsync(Alice, Key, Token);
        await first.SetAsync(Alice, Acme, Token);

        Assert.Equal(Key, await second.GetAsync(Alice, "Gemini", Token));
        Assert.Equal([Acme, Key], await second.ListAsync(Alice, Token));
        Assert.Null(await second.GetAsync(Bob, "gemini", Token));
        Assert.Equal(1, second.SessionCount);
        Assert.True(await second.RemoveAsync(Alice, "gemini", Token));
        Assert.False(await first.RemoveAsync(Alice, "gemini", Token));
        await second.RemoveAsync(Alice, Token);
        Assert.Empty(await first.ListAsync(Alice, Token));
        Assert.Empty(_cache.Entries);
    }

    [Fact]
    public async Task SetAsync_StolenCache_ShowsNeitherKeyNorSession()
    {
        await Build().SetAsync(Alice, Key, Token);

        (string name, byte[] bytes) = Assert.Single(_cache.Entries);
        Assert.DoesNotContain("alice", name, StringComparison.Ordinal);
        Assert.DoesNotContain(Key.Fingerprint, name, StringComparison.Ordinal);
        Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Value)));
        Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(Value)));
    }

    [Fact]
    public async Task GetAsync_EveryByteOfTheEntryFlippedInTurn_IsRefusedAndRemoved()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        (string name, byte[] bytes) = Assert.Single(_cache.Entries);
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] tampered = [.. bytes];
            tampered[i] ^= 1;
            _cache.Entries[name] = tampered;
            Assert.Null(await store.GetAsync(Alice, "gemini", Token));
            Assert.False(_cache.Entries.ContainsKey(name));
        }
    }

    [Fact]
    public async Task GetAsync_EntryTruncatedAnywhere_IsRefusedAndRemoved()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        (string name, byte[] bytes) = Assert.Single(_cache.Entries);
        for (int length = 0; length < bytes.Length; length++)
        {
            _cache.Entries[name] = bytes[..length];
            Assert.Null(await store.GetAsync(Alice, "gemini", Token));
            Assert.False(_cache.Entries.ContainsKey(name));
        }
    }

    [Fact]
    public async Task GetAsync_EntryCopiedToAnotherSession_IsRefusedAndRemoved()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        byte[] stolen = _cache.Entries.Single().Value;
        await store.SetAsync(Bob, Key, Token);
        string bobs = _cache.Entries.Single(entry => entry.Value != stolen).Key;
        _cache.Entries[bobs] = stolen;

        Assert.Null(await store.GetAsync(Bob, "gemini", Token));
        Assert.False(_cache.Entries.ContainsKey(bobs));
        Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
    }

    [Fact]
    public async Task GetAsync_EntryCopiedToAnotherProvider_IsRefusedAndRemoved()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        (string name, byte[] bytes) = _cache.Entries.Single();
        string other = name.Replace(":gemini", ":openai", StringComparison.Ordinal);
        _cache.Entries[other] = bytes;

        Assert.Null(await store.GetAsync(Alice, "openai", Token));
        Assert.Equal([name], _cache.Entries.Keys);
    }

    [Fact]
    public async Task GetAsync_EntryOfAnotherApplicationOrKeyRing_IsRefusedAndRemoved()
    {
        ISessionKeyStore mine = Build(), other = Build(application: "other"), foreign = Build(
            ring: new EphemeralDataProtectionProvider());
        await mine.SetAsync(Alice, Key, Token);
        (string name, byte[] bytes) = _cache.Entries.Single();
        Assert.Null(await other.GetAsync(Alice, "gemini", Token));
        Assert.Equal([name], _cache.Entries.Keys);

        await other.SetAsync(Alice, Key, Token);
        string others = _cache.Entries.Keys.Single(key => key != name);
        _cache.Entries[others] = bytes;
        Assert.Null(await other.GetAsync(Alice, "gemini", Token));
        Assert.Equal([name], _cache.Entries.Keys);
        Assert.Null(await foreign.GetAsync(Alice, "gemini", Token));
        Assert.Empty(_cache.Entries);
    }

    [Fact]
    public async Task GetAsync_WellSealedButNotAKey_IsRefusedAndRemoved()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        string name = _cache.Entries.Single().Key;
        IDataProtector protector = _ring.CreateProtector("Coach.SessionKeys.v1", "coach", "alice", "gemini");
        foreach (byte[] plain
            in (byte[][])[[], [1], [2, .. new byte[17]], [1, .. new byte[16]], [1, .. RandomNumberGenerator.GetBytes(8), 255, 255, 255, 255, 255, 255, 255, 255, 65]])
        {
            _cache.Entries[name] = protector.Protect(plain);
            Assert.Null(await store.GetAsync(Alice, "gemini", Token));
            Assert.Empty(_cache.Entries);
        }
    }

    [Fact]
    public async Task GetAsync_UnusedForTheSlidingTime_IsGoneThoughTheCacheKeptIt()
    {
        ISessionKeyStore store = Build(options: o => o.SlidingExpiration = TimeSpan.FromMinutes(20));
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(20) - TimeSpan.FromTicks(1));
        Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
        _clock.Advance(TimeSpan.FromMinutes(20) - TimeSpan.FromTicks(1));
        Assert.NotEmpty(await store.ListAsync(Alice, Token));
        _clock.Advance(TimeSpan.FromTicks(1));

        Assert.Null(await store.GetAsync(Alice, "gemini", Token));
        Assert.Empty(_cache.Entries);
    }

    [Fact]
    public async Task GetAsync_UsedAllTheTime_StillEndsAtTheAbsoluteTime()
    {
        ISessionKeyStore first = Build(options: Lifetimes), second = Build(options: Lifetimes);
        await first.SetAsync(Alice, Key, Token);
        for (int minute = 0; minute < 59; minute++)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            Assert.NotNull(await (minute % 2 == 0 ? first : second).GetAsync(Alice, "gemini", Token));
        }

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await first.GetAsync(Alice, "gemini", Token));
        Assert.Equal(1, first.SessionCount);

        static void Lifetimes(LlmSessionOptions o) =>
            (o.SlidingExpiration, o.AbsoluteExpiration) = (TimeSpan.FromMinutes(20), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task GetAsync_ReadOften_WritesAtMostOncePerTouchInterval()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        for (int second = 0; second < 180; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await store.GetAsync(Alice, "gemini", Token);
        }

        Assert.InRange(_cache.Writes, 3, 4);
        Assert.True(_cache.LastLifetime <= TimeSpan.FromMinutes(30));
    }

    [Fact]
    public async Task TouchAsync_KeyInUse_StartsTheSlidingTimeAnew()
    {
        ISessionKeyStore store = Build(options: o => o.SlidingExpiration = TimeSpan.FromMinutes(20));
        Assert.False(await store.TouchAsync(Alice, Token));
        await store.SetAsync(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromMinutes(19));
        Assert.True(await store.TouchAsync(Alice, Token));
        _clock.Advance(TimeSpan.FromMinutes(19));
        Assert.NotNull(await store.GetAsync(Alice, "gemini", Token));
    }

    [Fact]
    public async Task ListAsync_ListOfProvidersTampered_ShowsTheKnownOnesAndNothingElse()
    {
        ISessionKeyStore store = Build();
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Alice, Acme, Token);
        string list = _cache.Entries.Keys.Single(
            name => !name.EndsWith("gemini", StringComparison.Ordinal) && !name.EndsWith("acme", StringComparison.Ordinal));
        foreach (string tampered in (string[])["", "{", "[1]", "null", "[null,\"\",\"nobody\"]"])
        {
            _cache.Entries[list] = Encoding.UTF8.GetBytes(tampered);
            Assert.Equal([Key], await store.ListAsync(Alice, Token));
        }
    }

    [Fact]
    public async Task SetAsync_MockHostNoSessionOrNoKey_IsRefused()
    {
        ISessionKeyStore mock = Build(mode: HostMode.Mock);
        Assert.Equal(
            LlmError.RefusedInMock,
            (await Assert.ThrowsAsync<LlmException>(() => mock.SetAsync(Alice, Key, Token).AsTask())).Error);
        Assert.Equal(
            LlmError.SessionRequired,
            (await Assert.ThrowsAsync<LlmException>(() => Build().SetAsync(default, Key, Token).AsTask())).Error);
        Assert.Equal(LlmError.KeyMalformed,
            (await Assert.ThrowsAsync<LlmException>(() => Build().SetAsync(Alice, new ApiKey("gemini", Secret.From("a b")), Token).AsTask())).Error);
        Assert.Null(await mock.GetAsync(Alice, "gemini", Token));
        Assert.Empty(_cache.Entries);
    }

    [Fact]
    public async Task SetAsync_MoreKeysThanASessionMayHold_RefusesTheNext()
    {
        ISessionKeyStore store = Build(options: o => o.MaxKeysPerSession = 1);
        await store.SetAsync(Alice, Key, Token);
        await store.SetAsync(Alice, Key, Token);
        Assert.Equal(
            LlmError.SessionLimit,
            (await Assert.ThrowsAsync<LlmException>(() => store.SetAsync(Alice, Acme, Token).AsTask())).Error);
    }

    [Fact]
    public async Task UseDistributedSessionKeys_WrongSettings_AreAllReported()
    {
        ServiceProvider host = Host(o => (o.Application, o.TouchInterval) = ("", TimeSpan.FromHours(1)));
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(
            () => Task.FromResult(host.GetRequiredService<IOptions<DistributedSessionKeyOptions>>().Value));
        Assert.Equal("Coach:AspNetCore:SessionKeys:Application is missing; set it.; "
            + "Coach:AspNetCore:SessionKeys:TouchInterval is 01:00:00; it must be between 00:00:00 and 00:10:00.", failure.Message);
    }

    private ISessionKeyStore Build(
        Action<LlmSessionOptions>? options = null, string application = "coach", IDataProtectionProvider? ring = null, HostMode mode = HostMode.Auto) =>
        Host(o => o.Application = application, options, ring, mode).GetRequiredService<ISessionKeyStore>();

    private ServiceProvider Host(
        Action<DistributedSessionKeyOptions> configure, Action<LlmSessionOptions>? options =
            null, IDataProtectionProvider? ring = null,
        HostMode mode = HostMode.Auto)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(_clock);
        services.AddSingleton<IDistributedCache>(_cache);
        services.Configure<CoachHostOptions>(o => o.Mode = mode);
        services.AddCoachLlm(o => options?.Invoke(o.Sessions)).UseDistributedSessionKeys(configure);
        services.Replace(ServiceDescriptor.Singleton(ring ?? _ring));
        ServiceProvider host = services.BuildServiceProvider();
        _hosts.Add(host);
        return host;
    }

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
        _cache.BeforeNextWrite = () =>
            wholeSession
                ? other.RemoveAsync(Alice, Token).AsTask()
                : other.RemoveAsync(Alice, "gemini", Token).AsTask();
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

        IDataProtector seal = _ring.CreateProtector("Coach.SessionKeys.v1", "coach", "alice", "gemini")
            .CreateProtector("used");
        byte[][] wrong =
        [
            [], time[..^1], [.. time[..^1], (byte)(time[^1] ^ 1)], _cache.Entries[bobs], key,
            seal.Protect([]), seal.Protect([1]), seal.Protect(
                [2, .. BitConverter.GetBytes(_clock.GetUtcNow().UtcTicks)]),
            seal.Protect([1, .. BitConverter.GetBytes(-1L)]), seal.Protect(
                [1, .. BitConverter.GetBytes(long.MaxValue)]),
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
