using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IEmbeddingCache"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class EmbeddingCacheContract
{
    private static readonly ContractSuite<IEmbeddingCache> Suite = new(new(StringComparer.Ordinal)
    {
        ["Get_WhatWasSet_ComesBackToTheBit"] = RoundTripAsync,
        ["Get_AnyOtherPartOfTheKey_IsAnotherVector"] = KeysAsync,
        ["Set_Again_Replaces"] = ReplacesAsync,
        ["Claim_OfManyAtOnce_OneComputes_UntilItIsKept"] = ClaimsAsync,
    });

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => Suite.Names;

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">The store; what it holds already does not matter, the check's names are random.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, IEmbeddingCache store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task RoundTripAsync(
        IEmbeddingCache store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        EmbeddingCacheKey known = Key(EmbeddingTask.Document);
        EmbeddingCacheKey unknown = Key(EmbeddingTask.Document);
        float[] vector = [1f, -0f, float.Epsilon, float.MaxValue, -0.1f];
        await store.SetAsync([new(known, vector)], cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ReadOnlyMemory<float>?> found = await store.GetAsync([unknown, known], cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(found is [null, not null], "each key has its answer, in order");
        Contract.Holds(Same(found[1]!.Value.Span, vector), "a vector comes back to the bit");
    }

    private static async Task KeysAsync(
        IEmbeddingCache store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        EmbeddingCacheKey key = Key(EmbeddingTask.Document);
        await store.SetAsync([new(key, new[] { 1f })], cancellationToken).ConfigureAwait(false);
        EmbeddingCacheKey[] others =
        [
            key with { Model = key.Model + "2" },
            key with { Dimensions = key.Dimensions + 1 },
            key with { Task = EmbeddingTask.Query },
            key with { TextHash = new string('0', 64) },
        ];
        IReadOnlyList<ReadOnlyMemory<float>?> found = await store.GetAsync(others, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(found.All(vector => vector is null), "a key that differs in any part has no vector");
    }

    private static async Task ReplacesAsync(
        IEmbeddingCache store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        EmbeddingCacheKey key = Key(EmbeddingTask.Query);
        await store.SetAsync([new(key, new[] { 1f, 2f })], cancellationToken).ConfigureAwait(false);
        await store.SetAsync([new(key, new[] { 3f })], cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ReadOnlyMemory<float>?> found = await store.GetAsync([key], cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(found[0] is { Length: 1 } vector && vector.Span[0] == 3f, "the last vector holds");
    }

    private static async Task ClaimsAsync(
        IEmbeddingCache store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        EmbeddingCacheKey[] keys = [.. Enumerable.Range(0, 5).Select(_ => Key(EmbeddingTask.Document))];
        TimeSpan lease = TimeSpan.FromMinutes(1);
        IReadOnlyList<bool>[] claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(
            () => store.ClaimAsync(i % 2 == 0 ? keys : [.. keys.Reverse()], lease, cancellationToken).AsTask(),
            cancellationToken))).ConfigureAwait(false);
        Contract.Holds(claims.Sum(claim => claim.Count(isOwn => isOwn)) == 5, "of many at once one computes a vector");
        await store.ReleaseAsync(keys[..2], cancellationToken).ConfigureAwait(false);
        await store.SetAsync([new(keys[2], new[] { 1f })], cancellationToken).ConfigureAwait(false);
        IReadOnlyList<bool> again = await store.ClaimAsync(keys, lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            again.SequenceEqual([true, true, true, false, false]), "what was given up or kept may be claimed again");
    }

    private static EmbeddingCacheKey Key(EmbeddingTask task) =>
        new("fake/model", 5, task, Contract.Tag() + Contract.Tag());

    private static bool Same(ReadOnlySpan<float> left, ReadOnlySpan<float> right) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(left)
            .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(right));
}
