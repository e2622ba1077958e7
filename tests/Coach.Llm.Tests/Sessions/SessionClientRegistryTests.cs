using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Llm.Sessions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class SessionClientRegistryTests : IAsyncDisposable
{
    private static readonly SessionId Alice = SessionId.From("alice");
    private static readonly SessionId Bob = SessionId.From("bob");
    private static readonly SessionId Carol = SessionId.From("carol");
    private static readonly ApiKey Key = LlmHost.Key("test", "key-1");
    private static readonly ApiKey OtherKey = LlmHost.Key("test", "key-2");
    private readonly VirtualClock _clock = new();
    private readonly ConcurrentQueue<TestClient> _made = new();
    private readonly List<ServiceProvider> _hosts = [];
    private readonly MemoryGauge _memory = new();
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task AcquireAsync_SameSessionAndKey_ReturnsTheSameClient()
    {
        SessionClientRegistry registry = Build();

        TestClient first, second;
        using (ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token))
        {
            first = lease.Client;
        }

        using (ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, LlmHost.Key("TEST", "key-1"), Token))
        {
            second = lease.Client;
        }

        Assert.Same(first, second);
        Assert.False(first.IsDisposed);
        Assert.Single(_made);
    }

    [Fact]
    public async Task AcquireAsync_OtherSessionSameKey_GetsItsOwnClient()
    {
        SessionClientRegistry registry = Build();
        using ClientLease<TestClient> alice = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        using ClientLease<TestClient> bob = await registry.AcquireAsync<TestClient>(Bob, Key, Token);

        Assert.NotSame(alice.Client, bob.Client);
        Assert.Equal(2, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_ManyCallersWhileTheClientIsMade_MakesOne()
    {
        var gate = new TaskCompletionSource<TestClient>(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        SessionClientRegistry registry = Build(make: (_, _, _) =>
        {
            Interlocked.Increment(ref calls);
            return gate.Task;
        });

        Task<ClientLease<TestClient>>[] waiting = [.. Enumerable.Range(0, 50).Select(_ => registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask())];
        Assert.All(waiting, task => Assert.False(task.IsCompleted));
        var client = new TestClient(Alice, Key);
        gate.SetResult(client);
        ClientLease<TestClient>[] leases = await Task.WhenAll(waiting);

        Assert.Equal(1, calls);
        Assert.All(leases, lease => Assert.Same(client, lease.Client));
        await registry.RemoveAsync(Alice, Token);
        foreach (ClientLease<TestClient> lease in leases)
        {
            Assert.False(client.IsDisposed);
            lease.Dispose();
        }

        Assert.Equal(1, client.Disposals);
    }

    [Fact]
    public async Task AcquireAsync_CreationFails_FailsAllItsCallersAndIsNotRemembered()
    {
        int calls = 0;
        SessionClientRegistry registry = Build(make: (session, key, _) => Interlocked.Increment(ref calls) == 1
            ? Task.FromException<TestClient>(new InvalidOperationException("no"))
            : Task.FromResult(new TestClient(session, key)));

        await Assert.ThrowsAsync<InvalidOperationException>(() => registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask());
        Assert.Equal(0, registry.SessionCount);
        using ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task AcquireAsync_OneWaiterCancels_OthersGetTheClient()
    {
        var gate = new TaskCompletionSource<TestClient>(TaskCreationOptions.RunContinuationsAsynchronously);
        SessionClientRegistry registry = Build(make: (_, _, _) => gate.Task);
        using var cancellation = new CancellationTokenSource();
        Task<ClientLease<TestClient>> first = registry.AcquireAsync<TestClient>(Alice, Key, cancellation.Token).AsTask();
        Task<ClientLease<TestClient>> second = registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask();

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var client = new TestClient(Alice, Key);
        gate.SetResult(client);
        ClientLease<TestClient> lease = await second;
        await registry.RemoveAsync(Alice, Token);
        Assert.False(client.IsDisposed);
        lease.Dispose();
        Assert.Equal(1, client.Disposals);
    }

    [Fact]
    public async Task AcquireAsync_AllWaitersCancel_CancelsTheCreationAndFreesThePlace()
    {
        CancellationToken seen = default;
        SessionClientRegistry registry = Build(make: async (session, key, cancellationToken) =>
        {
            seen = cancellationToken;
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return new TestClient(session, key);
        });
        using var cancellation = new CancellationTokenSource();
        Task<ClientLease<TestClient>> only = registry.AcquireAsync<TestClient>(Alice, Key, cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => only);
        Assert.True(seen.IsCancellationRequested);
        await Eventually(() => registry.SessionCount == 0);
    }

    [Fact]
    public async Task AcquireAsync_CreationTakesTooLong_TimesOutAtTheLimitAndDiscardsTheLateClient()
    {
        var gate = new TaskCompletionSource<TestClient>(TaskCreationOptions.RunContinuationsAsynchronously);
        SessionClientRegistry registry = Build(o => o.CreationTimeout = TimeSpan.FromSeconds(5), (_, _, _) => gate.Task);
        Task<ClientLease<TestClient>> acquire = registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.False(acquire.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => acquire);
        Assert.Equal(LlmError.TimedOut, failure.Error);
        Assert.Contains("Coach:Llm:Sessions:CreationTimeout", failure.Message, StringComparison.Ordinal);
        var late = new TestClient(Alice, Key);
        gate.SetResult(late);
        await Eventually(() => late.Disposals == 1);
        Assert.Equal(0, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_KeyChanges_ReplacesTheClientAndDisposesTheOldAfterItsLastLease()
    {
        SessionClientRegistry registry = Build();
        ClientLease<TestClient> old = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        TestClient oldClient = old.Client;
        using ClientLease<TestClient> current = await registry.AcquireAsync<TestClient>(Alice, OtherKey, Token);

        Assert.NotSame(oldClient, current.Client);
        Assert.Equal(OtherKey, current.Client.Key);
        Assert.False(oldClient.IsDisposed);
        Assert.Same(oldClient, old.Client);
        old.Dispose();
        Assert.Equal(1, oldClient.Disposals);
        Assert.Equal(1, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_KeyChangesWhileTheClientIsMade_GivesEachCallerItsOwnKeysClient()
    {
        var gates = new ConcurrentDictionary<string, TaskCompletionSource<TestClient>>();
        SessionClientRegistry registry = Build(make: (_, key, _) =>
            gates.GetOrAdd(key.Fingerprint, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task);
        Task<ClientLease<TestClient>> before = registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask();
        Task<ClientLease<TestClient>> after = registry.AcquireAsync<TestClient>(Alice, OtherKey, Token).AsTask();
        gates[OtherKey.Fingerprint].SetResult(new TestClient(Alice, OtherKey));
        ClientLease<TestClient> current = await after;
        gates[Key.Fingerprint].SetResult(new TestClient(Alice, Key));
        ClientLease<TestClient> outdated = await before;

        Assert.Equal(Key, outdated.Client.Key);
        Assert.Equal(OtherKey, current.Client.Key);
        TestClient outdatedClient = outdated.Client;
        outdated.Dispose();
        Assert.Equal(1, outdatedClient.Disposals);
        current.Dispose();
        using ClientLease<TestClient> again = await registry.AcquireAsync<TestClient>(Alice, OtherKey, Token);
        Assert.Equal(OtherKey, again.Client.Key);
    }

    [Fact]
    public async Task RemoveAsync_OneProvider_LeavesTheOthers()
    {
        SessionClientRegistry registry = Build();
        ApiKey second = LlmHost.Key("second", "key-1");
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        (await registry.AcquireAsync<TestClient>(Alice, second, Token)).Dispose();
        await registry.RemoveAsync(Alice, "Test", Token);

        Assert.Equal(1, _made.Single(client => client.Key == Key).Disposals);
        Assert.Equal(0, _made.Single(client => client.Key == second).Disposals);
        Assert.Equal(1, registry.SessionCount);
        await registry.RemoveAsync(Alice, "second", Token);
        Assert.Equal(0, registry.SessionCount);
        await registry.RemoveAsync(Alice, Token);
    }

    [Fact]
    public async Task AcquireAsync_FactoryReturnsAnotherSessionsClient_IsRefused()
    {
        var shared = new TestClient(Alice, Key);
        SessionClientRegistry registry = Build(make: (_, _, _) => Task.FromResult(shared));
        using ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);

        await Assert.ThrowsAsync<InvalidOperationException>(() => registry.AcquireAsync<TestClient>(Bob, Key, Token).AsTask());
        Assert.False(shared.IsDisposed);
        Assert.Equal(1, registry.SessionCount);
    }

    private static async Task Eventually(Func<bool> condition)
    {
        for (long start = Environment.TickCount64; !condition() && Environment.TickCount64 - start < 60_000;)
        {
            await Task.Yield();
        }

        Assert.True(condition());
    }

    private SessionClientRegistry Build(
        Action<LlmSessionOptions>? options = null, Func<SessionId, ApiKey, CancellationToken, Task<TestClient>>? make = null,
        HostMode mode = HostMode.Auto)
    {
        make ??= (session, key, _) =>
        {
            var client = new TestClient(session, key);
            _made.Enqueue(client);
            return Task.FromResult(client);
        };
        ServiceProvider host = LlmHost.Build(clock: _clock, options: o => options?.Invoke(o.Sessions), configure: builder =>
        {
            builder.Services.AddSingleton<IMemoryPressure>(_memory);
            builder.Services.Configure<CoachHostOptions>(o => o.Mode = mode);
            builder.AddProvider<TestClient>("test", (_, session, key, cancellationToken) => make(session, key, cancellationToken));
            builder.AddProvider<TestClient>("second", (_, session, key, cancellationToken) => make(session, key, cancellationToken));
        });
        _hosts.Add(host);
        return host.GetRequiredService<SessionClientRegistry>();
    }

    private sealed class MemoryGauge : IMemoryPressure
    {
        private bool _isHigh;

        /// <summary>What happens elsewhere while the next one asks.</summary>
        public Action? WhenAsked { get; set; }

        public bool IsHigh
        {
            get
            {
                (Action? happens, WhenAsked) = (WhenAsked, null);
                happens?.Invoke();
                return _isHigh;
            }

            set => _isHigh = value;
        }
    }

    [Fact]
    public async Task Sweep_SessionIdleForTheSlidingTime_DisposesItsClient()
    {
        SessionClientRegistry registry = Build(o => (o.SlidingExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1)));
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        _clock.Advance(TimeSpan.FromMinutes(9));
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.Equal(1, registry.SessionCount);
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, registry.SessionCount);
        Assert.Equal(1, Assert.Single(_made).Disposals);
    }

    [Fact]
    public async Task Sweep_LeaseOutForLongerThanTheSlidingTime_StartsTheTimeAtItsEnd()
    {
        SessionClientRegistry registry = Build(o => (o.SlidingExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1)));
        ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromHours(1));
        TestClient client = lease.Client;
        Assert.False(client.IsDisposed);
        lease.Dispose();
        _clock.Advance(TimeSpan.FromMinutes(9));
        Assert.False(client.IsDisposed);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(client.IsDisposed);
    }

    [Fact]
    public async Task Sweep_ClientOlderThanTheAbsoluteTime_IsReplacedHoweverOftenUsed()
    {
        SessionClientRegistry registry = Build(o =>
            (o.SlidingExpiration, o.AbsoluteExpiration, o.SweepInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromSeconds(1)));
        ClientLease<TestClient> held = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        TestClient first = held.Client;
        for (int minute = 0; minute < 60; minute++)
        {
            (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.False(first.IsDisposed);
        using ClientLease<TestClient> next = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        Assert.NotSame(first, next.Client);
        held.Dispose();
        Assert.Equal(1, first.Disposals);
    }

    [Fact]
    public async Task AcquireAsync_AllPlacesTaken_RejectsNewSessionsOnly()
    {
        SessionClientRegistry registry = Build(o => o.MaxSessions = 2);
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Carol, Key, Token).AsTask());
        Assert.Equal(LlmError.SessionLimit, refused.Error);
        Assert.Equal(ErrorCodes.SessionLimit, refused.Code);
        Assert.True(refused.IsTransient);
        Assert.Equal("No more sessions are admitted (all places are taken; Coach:Llm:Sessions:MaxSessions is 2). Try again when others have ended.", refused.Message);
        (await registry.AcquireAsync<TestClient>(Alice, OtherKey, Token)).Dispose();
        await registry.RemoveAsync(Bob, Token);
        (await registry.AcquireAsync<TestClient>(Carol, Key, Token)).Dispose();
        Assert.Equal(2, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_AllPlacesTakenAndEvictionAllowed_TakesTheLongestIdleThatIsNotInUse()
    {
        SessionClientRegistry registry = Build(o => (o.MaxSessions, o.WhenFull) = (3, SessionAdmission.EvictIdle));
        ClientLease<TestClient> alice = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(2));
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();
        _clock.Advance(TimeSpan.FromSeconds(2));
        (await registry.AcquireAsync<TestClient>(Carol, Key, Token)).Dispose();
        (await registry.AcquireAsync<TestClient>(SessionId.From("dave"), Key, Token)).Dispose();

        Assert.Equal(["bob"], _made.Where(client => client.IsDisposed).Select(client => client.Session.Value));
        Assert.Equal(3, registry.SessionCount);
        alice.Dispose();
    }

    [Fact]
    public async Task AcquireAsync_EvictionAllowedButAllInUse_Rejects()
    {
        SessionClientRegistry registry = Build(o => (o.MaxSessions, o.WhenFull) = (1, SessionAdmission.EvictIdle));
        using ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);

        Assert.Equal(LlmError.SessionLimit,
            (await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Bob, Key, Token).AsTask())).Error);
    }

    [Fact]
    public async Task AcquireAsync_MemoryIsShort_RejectsNewSessionsOnly()
    {
        SessionClientRegistry registry = Build();
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        _memory.IsHigh = true;

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Bob, Key, Token).AsTask());
        Assert.Contains("memory is short", refused.Message, StringComparison.Ordinal);
        (await registry.AcquireAsync<TestClient>(Alice, OtherKey, Token)).Dispose();
        _memory.IsHigh = false;
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task AcquireAsync_SameSessionGotInMeanwhile_IsNoRejectionAndNotCounted(bool isSame, int rejections)
    {
        SessionClientRegistry registry = Build();
        IMeterFactory factory = _hosts[^1].GetRequiredService<IMeterFactory>();
        long counted = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.llm.session_rejections" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => counted += value);
        listener.Start();
        ValueTask<ClientLease<TestClient>> other = default;
        _memory.WhenAsked = () =>
        {
            other = registry.AcquireAsync<TestClient>(isSame ? Alice : Bob, Key, Token);
            _memory.IsHigh = true;
        };
        Exception? failure = await Record.ExceptionAsync(async () => (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose());
        (await other).Dispose();

        Assert.Equal(isSame, failure is null);
        Assert.Equal(rejections, counted);
        Assert.Equal(1, registry.SessionCount);
    }

    [Fact]
    public async Task AcquireAsync_MockHost_RefusesTheKey()
    {
        SessionClientRegistry registry = Build(mode: HostMode.Mock);
        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask());

        Assert.Equal(LlmError.RefusedInMock, refused.Error);
        Assert.Equal(ErrorCodes.MissingSecret, refused.Code);
        Assert.Empty(_made);
    }

    [Fact]
    public async Task AcquireAsync_WrongArguments_SayWhatIsWrong()
    {
        SessionClientRegistry registry = Build();
        await Assert.ThrowsAsync<ArgumentNullException>(() => registry.AcquireAsync<TestClient>(Alice, null!, Token).AsTask());
        Assert.Equal(LlmError.SessionRequired,
            (await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(default, Key, Token).AsTask())).Error);
        LlmException unknown = await Assert.ThrowsAsync<LlmException>(
            () => registry.AcquireAsync<TestClient>(Alice, LlmHost.Key("nobody", "k"), Token).AsTask());
        Assert.Equal("No TestClient is registered for provider 'nobody'. Known: second, test. Add others with AddProvider.", unknown.Message);
        Assert.Equal(0, registry.SessionCount);
    }

    [Fact]
    public async Task Dispose_LeaseTwiceAndACopy_EndsItOnce()
    {
        SessionClientRegistry registry = Build();
        ClientLease<TestClient> first = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        ClientLease<TestClient> copy = first;
        TestClient client = first.Client;
        first.Dispose();
        ClientLease<TestClient> second = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        copy.Dispose();
        first.Dispose();
        await registry.RemoveAsync(Alice, Token);

        Assert.False(client.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => copy.Client);
        second.Dispose();
        Assert.Equal(1, client.Disposals);
    }

    [Fact]
    public void Client_OfNoLease_Throws() => Assert.Throws<InvalidOperationException>(() => default(ClientLease<TestClient>).Client);

    [Fact]
    public void Dispose_LeaseThatBelongsToNobody_EndsNothing()
    {
        var client = new TestClient(Alice, Key);
        var lease = new ClientLease<TestClient>(client);
        lease.Dispose();

        Assert.Same(client, lease.Client);
        Assert.False(client.IsDisposed);
    }

    [Fact]
    public async Task Dispose_ClientFailsToDispose_OthersGoOn()
    {
        SessionClientRegistry registry = Build(make: (session, key, _) => Task.FromResult<TestClient>(new FailingClient(session, key)));
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        (await registry.AcquireAsync<TestClient>(Bob, Key, Token)).Dispose();
        await registry.RemoveAsync(Alice, Token);
        using ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Bob, Key, Token);

        Assert.Equal(1, registry.SessionCount);
        Assert.Equal(1, registry.ClientCount);
    }

    [Fact]
    public async Task DisposeAsync_LeaseStillOut_WaitsForIt()
    {
        SessionClientRegistry registry = Build();
        ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        TestClient client = lease.Client;
        Task stopping = registry.DisposeAsync().AsTask();

        Assert.False(stopping.IsCompleted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => registry.AcquireAsync<TestClient>(Alice, Key, Token).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => registry.AcquireAsync<TestClient>(Bob, Key, Token).AsTask());
        lease.Dispose();
        await stopping;
        Assert.Equal(1, client.Disposals);
    }

    [Fact]
    public async Task DisposeAsync_LeaseNeverEnds_WaitsUpToTheLimit()
    {
        SessionClientRegistry registry = Build(o => o.ShutdownTimeout = TimeSpan.FromSeconds(7));
        ClientLease<TestClient> lease = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        Task stopping = registry.DisposeAsync().AsTask();
        _clock.Advance(TimeSpan.FromSeconds(7) - TimeSpan.FromTicks(1));
        Assert.False(stopping.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));
        await stopping;

        TestClient client = lease.Client;
        Assert.False(client.IsDisposed);
        lease.Dispose();
        Assert.Equal(1, client.Disposals);
    }

    [Fact]
    public async Task AcquireAsync_LiveSession_AllocatesNothing()
    {
        SessionClientRegistry registry = Build();
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        long least = long.MaxValue;
        for (int round = 0; round < 20 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                ValueTask<ClientLease<TestClient>> acquire = registry.AcquireAsync<TestClient>(Alice, Key, CancellationToken.None);
                Assert.True(acquire.IsCompletedSuccessfully); // so the await below does not leave this thread
                (await acquire).Dispose();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public async Task AcquireAsync_TwoLeasesAtOnce_AllocateNothingOnceWarmAndEndOnceEach()
    {
        SessionClientRegistry registry = Build();
        (await registry.AcquireAsync<TestClient>(Alice, Key, Token)).Dispose();
        long least = long.MaxValue;
        for (int round = 0; round < 20 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                ValueTask<ClientLease<TestClient>> first = registry.AcquireAsync<TestClient>(Alice, Key, CancellationToken.None);
                ValueTask<ClientLease<TestClient>> second = registry.AcquireAsync<TestClient>(Alice, Key, CancellationToken.None);
                Assert.True(first.IsCompletedSuccessfully && second.IsCompletedSuccessfully);
                ClientLease<TestClient> one = await first, two = await second, copy = one;
                one.Dispose();
                copy.Dispose();
                Assert.Same(two.Client, two.Client);
                two.Dispose();
                one.Dispose();
                two.Dispose();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        await registry.RemoveAsync(Alice, Token);
        Assert.Equal(1, Assert.Single(_made).Disposals);
    }

    [Fact]
    public async Task Dispose_StaleCopiesOfEveryEarlierLease_NeverEndALaterOne()
    {
        SessionClientRegistry registry = Build();
        var stale = new List<ClientLease<TestClient>>();
        for (int i = 0; i < 50; i++)
        {
            ClientLease<TestClient> one = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
            ClientLease<TestClient> two = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
            stale.AddRange([one, two]);
            (i % 2 == 0 ? one : two).Dispose();
            (i % 2 == 0 ? two : one).Dispose();
        }

        ClientLease<TestClient> live = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        ClientLease<TestClient> other = await registry.AcquireAsync<TestClient>(Alice, Key, Token);
        await registry.RemoveAsync(Alice, Token);
        foreach (ClientLease<TestClient> lease in stale)
        {
            lease.Dispose();
            Assert.Throws<ObjectDisposedException>(() => lease.Client);
        }

        TestClient client = live.Client;
        live.Dispose();
        Assert.Same(client, other.Client);
        Assert.False(client.IsDisposed);
        other.Dispose();
        Assert.Equal(1, client.Disposals);
    }

    private sealed class FailingClient(SessionId session, ApiKey key) : TestClient(session, key)
    {
        public override void Dispose() => throw new InvalidOperationException("cannot");
    }
}
