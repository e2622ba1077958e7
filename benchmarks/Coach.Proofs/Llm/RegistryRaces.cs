using Coach.Abstractions;
using Coach.Llm;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Llm;

/// <summary>What a run of <see cref="RegistryRaces"/> found. All but the first three must be as their names say: none.</summary>
internal sealed record RegistryRaceResult(
    long Operations, long Created, long Disposed, long DisposedTwice, long DisposedWhileLeased, long Crossed, long Rejected, long Failed, int StillCounted);

/// <summary>
/// Threads that acquire, hold, rotate, remove, expire and shut down at random, with clients whose creation is sometimes slow and
/// sometimes fails, in a registry with fewer places than sessions. The random choices follow from the seed; their interleaving does not.
/// </summary>
internal sealed class RegistryRaces(int seed)
{
    private const int Sessions = 48;
    private const int Places = 40;
    private const int KeysPerSession = 3;
    private static readonly string[] Providers = ["alpha", "beta"];

    private readonly SessionId[] _sessions = [.. Enumerable.Range(0, Sessions).Select(i => SessionId.From($"session-{i}"))];

    // The same key values for all sessions: only the session tells their clients apart.
    private readonly ApiKey[] _keys = [.. Providers.SelectMany(provider =>
        Enumerable.Range(0, KeysPerSession).Select(i => new ApiKey(provider, Secret.From($"key-{i}"))))];

    private long _created, _disposed, _disposedTwice, _disposedWhileLeased, _crossed, _rejected, _failed, _done;

    public RegistryRaceResult Run(long operations, IReadOnlyList<int> threadCounts, Action<long>? progress = null)
    {
        int left = 0;
        for (int round = 0; round < threadCounts.Count; round++)
        {
            long share = operations / threadCounts.Count + (round < operations % threadCounts.Count ? 1 : 0);
            left += RunRound(share, threadCounts[round], round, progress);
        }

        return new RegistryRaceResult(_done, _created, _disposed, _disposedTwice, _disposedWhileLeased, _crossed, _rejected, _failed, left);
    }

    private int RunRound(long operations, int threads, int round, Action<long>? progress)
    {
        var clock = new VirtualClock();
        ServiceProvider services = Build(clock);
        var registry = services.GetRequiredService<ISessionClientRegistry>();
        var workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            var random = new Random(unchecked((seed * 1_000_003) + (round * 1009) + i));
            long share = operations / threads + (i < operations % threads ? 1 : 0);
            workers[i] = new Thread(() => Work(registry, clock, random, share, progress), maxStackSize: 256 * 1024);
            workers[i].Start();
        }

        foreach (Thread worker in workers)
        {
            worker.Join();
        }

        services.DisposeAsync().AsTask().GetAwaiter().GetResult();

        // Creations that were given up at their time limit may still be on their way to being discarded.
        SpinWait.SpinUntil(() => Volatile.Read(ref _created) == Volatile.Read(ref _disposed), TimeSpan.FromSeconds(10));
        return registry.SessionCount;
    }

    private ServiceProvider Build(VirtualClock clock)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(clock);
        CoachLlmBuilder builder = services.AddCoachLlm(options =>
        {
            options.Sessions.MaxSessions = Places;
            options.Sessions.WhenFull = SessionAdmission.EvictIdle;
            options.Sessions.SlidingExpiration = TimeSpan.FromSeconds(10);
            options.Sessions.AbsoluteExpiration = TimeSpan.FromSeconds(60);
            options.Sessions.SweepInterval = TimeSpan.FromSeconds(1);
        });
        foreach (string provider in Providers)
        {
            builder.AddProvider<RaceClient>(provider, async (_, session, key, cancellationToken) =>
            {
                int dice = Random.Shared.Next(100);
                if (dice < 30)
                {
                    await Task.Yield();
                    cancellationToken.ThrowIfCancellationRequested();
                }

                if (dice is 0 or 50)
                {
                    throw new InvalidOperationException("A creation that fails.");
                }

                Interlocked.Increment(ref _created);
                return new RaceClient(this, session, key);
            });
        }

        return services.BuildServiceProvider();
    }

    private void Work(ISessionClientRegistry registry, VirtualClock clock, Random random, long operations, Action<long>? progress)
    {
        var held = new List<ClientLease<RaceClient>>();
        for (long i = 0; i < operations; i++)
        {
            SessionId session = _sessions[random.Next(Sessions)];
            switch (random.Next(1000))
            {
                case < 880:
                    Acquire(registry, random, session, held);
                    break;
                case < 940:
                    registry.RemoveAsync(session, Providers[random.Next(Providers.Length)]).AsTask().GetAwaiter().GetResult();
                    break;
                case < 980:
                    registry.RemoveAsync(session).AsTask().GetAwaiter().GetResult();
                    break;
                default:
                    clock.Advance(TimeSpan.FromMilliseconds(random.Next(4000)));
                    break;
            }

            if (held.Count > 3 || (held.Count > 0 && random.Next(2) == 0))
            {
                End(held, random.Next(held.Count), random);
            }

            if ((Interlocked.Increment(ref _done) & 0xFFF) == 0)
            {
                progress?.Invoke(Volatile.Read(ref _done));
            }
        }

        while (held.Count > 0)
        {
            End(held, held.Count - 1, random);
        }
    }

    private void Acquire(ISessionClientRegistry registry, Random random, SessionId session, List<ClientLease<RaceClient>> held)
    {
        // Mostly the first provider's first key, so that live clients are hit; else any, so that keys rotate.
        ApiKey key = _keys[random.Next(10) < 7 ? 0 : random.Next(_keys.Length)];
        using var impatience = random.Next(20) == 0 ? new CancellationTokenSource() : null;
        try
        {
            ValueTask<ClientLease<RaceClient>> acquire = registry.AcquireAsync<RaceClient>(session, key, impatience?.Token ?? default);
            impatience?.Cancel();
            ClientLease<RaceClient> lease = acquire.AsTask().GetAwaiter().GetResult();
            RaceClient client = lease.Client;
            if (client.Session != session || !client.Key.Equals(key))
            {
                Interlocked.Increment(ref _crossed);
            }

            Check(client);
            held.Add(lease);
        }
        catch (LlmException refused) when (refused.Error == LlmError.SessionLimit)
        {
            Interlocked.Increment(ref _rejected);
        }
        catch (Exception failure) when (failure is InvalidOperationException or OperationCanceledException or LlmException { Error: LlmError.TimedOut })
        {
            Interlocked.Increment(ref _failed);
        }
    }

    private void End(List<ClientLease<RaceClient>> held, int index, Random random)
    {
        ClientLease<RaceClient> lease = held[index];
        held.RemoveAt(index);
        Check(lease.Client);
        lease.Dispose();
        if (random.Next(8) == 0)
        {
            lease.Dispose(); // a second time: harmless
        }
    }

    private void Check(RaceClient client)
    {
        if (client.Disposals != 0)
        {
            Interlocked.Increment(ref _disposedWhileLeased);
        }
    }

    private sealed class RaceClient(RegistryRaces race, SessionId session, ApiKey key) : IDisposable
    {
        private int _disposals;

        public SessionId Session { get; } = session;

        public ApiKey Key { get; } = key;

        public int Disposals => Volatile.Read(ref _disposals);

        public void Dispose()
        {
            Interlocked.Increment(ref race._disposed);
            if (Interlocked.Increment(ref _disposals) > 1)
            {
                Interlocked.Increment(ref race._disposedTwice);
            }
        }
    }
}
