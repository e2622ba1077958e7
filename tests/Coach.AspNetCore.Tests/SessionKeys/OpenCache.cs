using Microsoft.Extensions.Caching.Distributed;

namespace Coach.AspNetCore.Tests.SessionKeys;

/// <summary>A cache that ignores every lifetime and can be looked into: the worst one a host could bring.</summary>
internal sealed class OpenCache : IDistributedCache
{
    public Dictionary<string, byte[]> Entries { get; } = [];

    public int Writes { get; private set; }

    public TimeSpan? LastLifetime { get; private set; }

    /// <summary>What happens elsewhere just before the next write, once.</summary>
    public Func<Task>? BeforeNextWrite { get; set; }

    public byte[]? Get(string key) => Entries.GetValueOrDefault(key);

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        Assert.True(options.AbsoluteExpirationRelativeToNow > TimeSpan.Zero);
        Entries[key] = value;
        Writes++;
        LastLifetime = options.AbsoluteExpirationRelativeToNow;
    }

    public async Task SetAsync(
        string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        if (BeforeNextWrite is { } happens)
        {
            BeforeNextWrite = null;
            await happens();
        }

        Set(key, value, options);
    }

    public void Refresh(string key)
    {
    }

    public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

    public void Remove(string key) => Entries.Remove(key);

    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        Remove(key);
        return Task.CompletedTask;
    }
}
