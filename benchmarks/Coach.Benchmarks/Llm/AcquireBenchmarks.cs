using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Llm;

/// <summary>
/// What does it cost to find a live session's client and be sure that it stays alive meanwhile? The caches only find it; the registry
/// finds it, compares the key, counts a lease and ends it.
/// </summary>
[MemoryDiagnoser]
public class AcquireBenchmarks
{
    private const int Calls = 200_000;

    private readonly object[] _found = new object[2];
    private SessionId[] _ids = [];
    private ApiKey[] _keys = [];
    private string[] _names = [];
    private int[] _order = [];
    private ServiceProvider _services = null!;
    private ISessionClientRegistry _registry = null!;
    private MemoryCache _cache = null!;
    private ConcurrentDictionary<(SessionId, string, Type), Lazy<object>> _lazy = null!;

    [Params(1_000, 100_000)]
    public int Sessions { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public async Task SetUp()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(options => options.Sessions.MaxSessions = Sessions).AddProvider<Client>("test", (_, _) => new Client());
        _services = services.BuildServiceProvider();
        _registry = _services.GetRequiredService<ISessionClientRegistry>();
        _cache = new MemoryCache(new MemoryCacheOptions());
        _lazy = new ConcurrentDictionary<(SessionId, string, Type), Lazy<object>>();
        _ids = [.. Enumerable.Range(0, Sessions).Select(i => SessionId.From($"{i:x8}0123456789abcdef01234567"))];
        _keys = [.. Enumerable.Range(0, Sessions).Select(i => new ApiKey("test", Secret.From($"AIza{i:x8}0123456789abcdef01234567")))];
        _names = [.. _ids.Select(id => new string(id.Value))];
        for (int i = 0; i < Sessions; i++)
        {
            (await _registry.AcquireAsync<Client>(_ids[i], _keys[i])).Dispose();
            _cache.Set(_names[i], new Client(), new MemoryCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(30) });
            var lazy = new Lazy<object>(() => new Client());
            _ = lazy.Value;
            _lazy[(_ids[i], "test", typeof(Client))] = lazy;
        }

        var random = new Random(1);
        _order = [.. Enumerable.Range(0, 1 << 16).Select(_ => random.Next(Sessions))];
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        _cache.Dispose();
        await _services.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "MemoryCache.TryGetValue", OperationsPerInvoke = Calls)]
    public object MemoryCache() => OnAllThreads(static (self, offset) =>
    {
        object? found = null;
        for (int i = 0; i < Calls; i++)
        {
            self._cache.TryGetValue(self._names[self._order[(i + offset) & 0xFFFF]], out found);
        }

        return found!;
    });

    [Benchmark(Description = "ConcurrentDictionary + Lazy", OperationsPerInvoke = Calls)]
    public object ConcurrentDictionaryAndLazy() => OnAllThreads(static (self, offset) =>
    {
        object? found = null;
        for (int i = 0; i < Calls; i++)
        {
            self._lazy.TryGetValue((self._ids[self._order[(i + offset) & 0xFFFF]], "test", typeof(Client)), out Lazy<object>? lazy);
            found = lazy!.Value;
        }

        return found!;
    });

    [Benchmark(Description = "Coach: acquire + release", OperationsPerInvoke = Calls)]
    public object Coach() => OnAllThreads(static (self, offset) =>
    {
        object? found = null;
        for (int i = 0; i < Calls; i++)
        {
            int session = self._order[(i + offset) & 0xFFFF];
            using ClientLease<Client> lease = self._registry.AcquireAsync<Client>(self._ids[session], self._keys[session]).Result;
            found = lease.Client;
        }

        return found!;
    });

    // The time is that of one call on each thread: with two threads, twice the work is done in it.
    private object OnAllThreads(Func<AcquireBenchmarks, int, object> work)
    {
        Task? other = Threads == 2 ? Task.Factory.StartNew(() => _found[1] = work(this, 31_337), TaskCreationOptions.LongRunning) : null;
        _found[0] = work(this, 0);
        other?.Wait();
        return _found;
    }

    private sealed class Client;
}
