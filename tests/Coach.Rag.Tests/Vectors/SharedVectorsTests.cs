using System.Collections.Concurrent;
using Coach.Abstractions;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Vectors;

/// <summary>Replicas that share vectors embed each text once.</summary>
public sealed class SharedVectorsTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly Cache _cache = new();
    private readonly ConcurrentQueue<string> _embedded = new();

    [Fact]
    public async Task TwoReplicas_EmbedATextOnce_AndBothHaveItsVector()
    {
        string[] texts = ["a", "bb", "a", "ccc"];
        float[][] first = await Vectors().GetAsync(texts, null, EmbedAsync, Token);
        float[][] second = await Vectors().GetAsync(["ccc", "d", "a"], 2, EmbedAsync, Token);
        Assert.Equal([1f, 2f, 1f, 3f], first.Select(vector => vector[0]));
        Assert.Equal([3f, 1f, 1f], second.Select(vector => vector[0]));
        Assert.Equal(["a", "bb", "ccc", "d"], _embedded);
    }

    [Fact]
    public async Task ManyReplicasAtOnce_EmbedATextOnce()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<float[][]>[] all =
        [
            .. Enumerable.Range(0, 6).Select(_ => Vectors().GetAsync(["a", "bb"], null, async (texts, token) =>
            {
                await gate.Task;
                return await EmbedAsync(texts, token);
            }, Token)),
        ];
        gate.SetResult();
        Assert.All(await Task.WhenAll(all), vectors => Assert.Equal([1f, 2f], vectors.Select(vector => vector[0])));
        Assert.Equal(2, _embedded.Count);
    }

    [Fact]
    public async Task AReplicaThatFails_LeavesTheTextToTheNext()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => Vectors().GetAsync(
            ["a"], null, (_, _) => throw new InvalidOperationException("no"), Token));
        Assert.Equal(1f, (await Vectors().GetAsync(["a"], null, EmbedAsync, Token))[0][0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACacheThatIsAway_CostsNoAnswer(bool goesAwayInBetween)
    {
        _cache.IsAway = !goesAwayInBetween;
        float[][] vectors = await Vectors().GetAsync(["a", "bb"], null, (texts, token) =>
        {
            _cache.IsAway = true;
            return EmbedAsync(texts, token);
        }, Token);
        Assert.Equal([1f, 2f], vectors.Select(vector => vector[0]));
        Assert.Equal(2, _embedded.Count);
    }

    [Fact]
    public async Task VectorsThatDoNotFit_AreMadeAgain()
    {
        await Vectors().GetAsync(["a", "bb"], null, EmbedAsync, Token);
        _cache.Spoil("a"u8.Length, [1f, 2f, 3f]);
        Assert.All(await Vectors().GetAsync(["a", "bb"], 2, EmbedAsync, Token), vector => Assert.Equal(2, vector.Length));
        Assert.Equal(3, _embedded.Count);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private SharedVectors Vectors() => new(_cache, "fake/model", Lease, TimeProvider.System);

    private Task<float[][]> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        foreach (string text in texts)
        {
            _embedded.Enqueue(text);
        }

        return Task.FromResult(texts.Select(text => new float[] { text.Length, 1 }).ToArray());
    }

    /// <summary>What replicas share.</summary>
    private sealed class Cache : IEmbeddingCache
    {
        private readonly ConcurrentDictionary<EmbeddingCacheKey, float[]> _vectors = new();
        private readonly ConcurrentDictionary<EmbeddingCacheKey, bool> _claims = new();

        public bool IsAway { get; set; }

        public void Spoil(float first, float[] vector)
        {
            EmbeddingCacheKey key = _vectors.First(pair => pair.Value[0] == first).Key;
            _vectors[key] = vector;
        }

        public ValueTask<IReadOnlyList<ReadOnlyMemory<float>?>> GetAsync(
            IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default)
        {
            Ask();
            return ValueTask.FromResult<IReadOnlyList<ReadOnlyMemory<float>?>>(
                [.. keys.Select(key => _vectors.TryGetValue(key, out float[]? vector) ? vector : (ReadOnlyMemory<float>?)null)]);
        }

        public ValueTask SetAsync(
            IReadOnlyList<KeyValuePair<EmbeddingCacheKey, ReadOnlyMemory<float>>> entries,
            CancellationToken cancellationToken = default)
        {
            Ask();
            foreach ((EmbeddingCacheKey key, ReadOnlyMemory<float> vector) in entries)
            {
                _vectors[key] = vector.ToArray();
                _claims.TryRemove(key, out _);
            }

            return ValueTask.CompletedTask;
        }

        public ValueTask<IReadOnlyList<bool>> ClaimAsync(
            IReadOnlyList<EmbeddingCacheKey> keys, TimeSpan lease, CancellationToken cancellationToken = default)
        {
            Ask();
            return ValueTask.FromResult<IReadOnlyList<bool>>([.. keys.Select(key => _claims.TryAdd(key, true))]);
        }

        public ValueTask ReleaseAsync(
            IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default)
        {
            Ask();
            foreach (EmbeddingCacheKey key in keys)
            {
                _claims.TryRemove(key, out _);
            }

            return ValueTask.CompletedTask;
        }

        private void Ask()
        {
            if (IsAway)
            {
                throw new StoreException("postgres", "read vectors");
            }
        }
    }
}
