using System.Collections.Concurrent;
using Coach.Abstractions;
using Coach.Llm.Sessions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests.Sessions;

public sealed partial class SessionClientRegistryTests : IAsyncDisposable
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
}
