using Coach.Abstractions;

namespace Coach.Testing.Tests;

/// <summary>A contract that no wrong store can break proves nothing: each of these stores is wrong in one way.</summary>
public sealed class ContractSuiteTests
{
    [Fact]
    public async Task RateLimits_AStoreThatGrantsAlways_BreaksTheContract() =>
        await BreaksAsync(RateLimitStoreContract.Names, name => RateLimitStoreContract.RunAsync(name, new Generous(), _ => Task.CompletedTask));

    [Fact]
    public async Task RevokedSessions_AStoreThatForgetsAtOnce_BreaksTheContract() =>
        await BreaksAsync(RevokedSessionStoreContract.Names, name => RevokedSessionStoreContract.RunAsync(name, new Forgetful(), _ => Task.CompletedTask));

    [Fact]
    public async Task EmbeddingCache_AStoreThatIgnoresTheTask_BreaksTheContract() =>
        await BreaksAsync(EmbeddingCacheContract.Names, name => EmbeddingCacheContract.RunAsync(name, new Careless(), _ => Task.CompletedTask));

    [Fact]
    public Task RunAsync_UnknownCheck_IsRefused() =>
        Assert.ThrowsAsync<ArgumentException>(() => RateLimitStoreContract.RunAsync("none", new Generous(), _ => Task.CompletedTask));

    private static async Task BreaksAsync(IReadOnlyList<string> names, Func<string, Task> run)
    {
        int broken = 0;
        foreach (string name in names)
        {
            try
            {
                await run(name);
            }
            catch (InvalidOperationException exception)
            {
                Assert.StartsWith("Contract broken: ", exception.Message, StringComparison.Ordinal);
                broken++;
            }
        }

        Assert.NotEqual(0, broken);
    }

    private sealed class Generous : IRateLimitStore
    {
        public ValueTask<RateLimitDecision> TryAcquireAsync(
            string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(new RateLimitDecision(true, 1, TimeSpan.Zero));
    }

    private sealed class Forgetful : IRevokedSessionStore
    {
        public ValueTask RevokeAsync(SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default) => default;

        public ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default) => ValueTask.FromResult(false);
    }

    private sealed class Careless : IEmbeddingCache
    {
        private readonly Dictionary<EmbeddingCacheKey, ReadOnlyMemory<float>> _vectors = [];

        public ValueTask<IReadOnlyList<ReadOnlyMemory<float>?>> GetAsync(
            IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<IReadOnlyList<ReadOnlyMemory<float>?>>(
                [.. keys.Select(key => _vectors.TryGetValue(key with { Task = default }, out ReadOnlyMemory<float> vector) ? vector : (ReadOnlyMemory<float>?)null)]);

        public ValueTask SetAsync(
            IReadOnlyList<KeyValuePair<EmbeddingCacheKey, ReadOnlyMemory<float>>> entries, CancellationToken cancellationToken = default)
        {
            foreach ((EmbeddingCacheKey key, ReadOnlyMemory<float> vector) in entries)
            {
                _vectors[key with { Task = default }] = vector;
            }

            return default;
        }
    }
}
