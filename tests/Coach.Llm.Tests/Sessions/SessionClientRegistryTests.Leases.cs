using System.Collections.Concurrent;
using Coach.Abstractions;
using Coach.Llm.Sessions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests.Sessions;

/// <summary>What a lease keeps alive, how it ends, and what it costs.</summary>
public sealed partial class SessionClientRegistryTests
{
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
