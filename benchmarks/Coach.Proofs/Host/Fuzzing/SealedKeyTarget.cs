using Coach.Abstractions;
using Coach.Llm;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Host.Fuzzing;

/// <summary>A sealed session key in a cache that others can write: the key comes out as it went in, or none does.</summary>
internal sealed class SealedKeyTarget : FuzzTarget
{
    private static readonly SessionId Session = SessionId.From("fuzzed");

    private readonly ServiceProvider _services;
    private readonly Cache _cache = new();
    private readonly Mutator _mutator;
    private readonly string _name;
    private readonly byte[] _good;

    private SealedKeyTarget(int seed)
    {
        IServiceCollection services = new ServiceCollection().AddLogging().AddSingleton<IDistributedCache>(_cache);
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddCoachLlm().UseDistributedSessionKeys();
        _services = services.BuildServiceProvider();
        ISessionKeyStore store = _services.GetRequiredService<ISessionKeyStore>();
        store.SetAsync(SessionId.From("other"), Key("other")).AsTask().GetAwaiter().GetResult();
        byte[] other = _cache.Entries.Values.First();
        _cache.Entries.Clear();
        store.SetAsync(Session, Key("own")).AsTask().GetAwaiter().GetResult();
        KeyValuePair<string, byte[]> own = _cache.Entries.First();
        (_name, _good) = (own.Key, own.Value);
        _mutator = new Mutator(seed, [own.Value, other], [], maxBytes: 64 * 1024);
    }

    public override string Name => "sealed-key";

    public static SealedKeyTarget Create(int seed) => new(seed);

    public override byte[] Next() => _mutator.Next();

    public override async Task<bool> ReadsGoodAsync()
    {
        _cache.Entries[_name] = _good;
        return (await _services.GetRequiredService<ISessionKeyStore>().GetAsync(Session, "gemini"))?.Fingerprint == Key("own").Fingerprint;
    }

    public override async Task<string?> TryAsync(byte[] input)
    {
        _cache.Entries[_name] = input;
        ApiKey? key = await _services.GetRequiredService<ISessionKeyStore>().GetAsync(Session, "gemini");
        return key is null || key.Fingerprint == Key("own").Fingerprint ? null : "another key";
    }

    public override ValueTask DisposeAsync() => _services.DisposeAsync();

    private static ApiKey Key(string whose) => new("gemini", Coach.Abstractions.Secret.From($"proof-key-of-the-{whose}-session"));

    private sealed class Cache : IDistributedCache
    {
        public System.Collections.Concurrent.ConcurrentDictionary<string, byte[]> Entries { get; } = new();

        public byte[]? Get(string key) => Entries.GetValueOrDefault(key);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => Entries[key] = value;

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            Set(key, value, options);
            return Task.CompletedTask;
        }

        public void Refresh(string key)
        {
        }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key) => Entries.TryRemove(key, out _);

        public Task RemoveAsync(string key, CancellationToken token = default)
        {
            Remove(key);
            return Task.CompletedTask;
        }
    }
}
