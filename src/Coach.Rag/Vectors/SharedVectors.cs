using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;

namespace Coach.Rag.Vectors;

/// <summary>
/// Vectors of passages that replicas share: each text is embedded by one of them, and the others take what it kept. A
/// cache that is away costs no answer: then this process embeds for itself.
/// </summary>
internal sealed class SharedVectors(IEmbeddingCache cache, string model, TimeSpan lease, TimeProvider time)
{
    private const int MaxKeys = 1_000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Finds or makes the vectors of texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="dimension">What a vector must have; null for any.</param>
    /// <param name="embed">Embeds what nobody has embedded yet.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A vector a text.</returns>
    public async Task<float[][]> GetAsync(
        IReadOnlyList<string> texts, int? dimension,
        Func<IReadOnlyList<string>, CancellationToken, Task<float[][]>> embed, CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, float[]>(StringComparer.Ordinal);
        string[] missing = [.. texts.Distinct(StringComparer.Ordinal)];
        try
        {
            while (missing.Length > 0)
            {
                string[] part = missing[..Math.Min(missing.Length, MaxKeys)];
                await FillAsync(part, dimension, embed, known, cancellationToken).ConfigureAwait(false);
                missing = [.. missing.Where(text => !known.ContainsKey(text))];
            }
        }
        catch (CoachException exception) when (exception.Code == ErrorCodes.StoreUnavailable)
        {
            missing = [.. missing.Where(text => !known.ContainsKey(text))];
            Add(known, missing, await embed(missing, cancellationToken).ConfigureAwait(false));
        }

        return [.. texts.Select(text => known[text])];
    }

    private async Task FillAsync(
        string[] texts, int? dimension, Func<IReadOnlyList<string>, CancellationToken, Task<float[][]>> embed,
        Dictionary<string, float[]> known, CancellationToken cancellationToken)
    {
        string[] unknown = await FindAsync(texts, dimension, known, cancellationToken).ConfigureAwait(false);
        if (unknown.Length == 0)
        {
            return;
        }

        IReadOnlyList<bool> claims = await cache
            .ClaimAsync([.. unknown.Select(KeyOf)], lease, cancellationToken).ConfigureAwait(false);
        string[] claimed = [.. unknown.Where((_, i) => claims[i])];
        if (claimed.Length == 0)
        {
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            return;
        }

        // Whoever had the claim before may have kept the vector in between.
        string[] own = await FindAsync(claimed, dimension, known, cancellationToken).ConfigureAwait(false);
        bool isKept = false;
        try
        {
            if (own.Length > 0)
            {
                float[][] made = await embed(own, cancellationToken).ConfigureAwait(false);
                Add(known, own, made);
                await cache.SetAsync(
                    [.. own.Select((text, i) => KeyValuePair.Create(KeyOf(text), (ReadOnlyMemory<float>)made[i]))],
                    cancellationToken).ConfigureAwait(false);
            }

            isKept = own.Length == claimed.Length;
        }
        finally
        {
            if (!isKept)
            {
                await ReleaseAsync(claimed).ConfigureAwait(false);
            }
        }
    }

    private async Task<string[]> FindAsync(
        string[] texts, int? dimension, Dictionary<string, float[]> known, CancellationToken cancellationToken)
    {
        IReadOnlyList<ReadOnlyMemory<float>?> found =
            await cache.GetAsync([.. texts.Select(KeyOf)], cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < texts.Length; i++)
        {
            if (found[i] is { Length: > 0 } vector && vector.Length == (dimension ?? vector.Length)
                && float.IsFinite(TensorPrimitives.Norm(vector.Span)))
            {
                known[texts[i]] = vector.ToArray();
            }
        }

        return [.. texts.Where(text => !known.ContainsKey(text))];
    }

    private async Task ReleaseAsync(string[] texts)
    {
        try
        {
            await cache.ReleaseAsync([.. texts.Select(KeyOf)], CancellationToken.None).ConfigureAwait(false);
        }
        catch (CoachException)
        {
            // The claims end with their lease.
        }
    }

    private static void Add(Dictionary<string, float[]> known, string[] texts, float[][] vectors)
    {
        for (int i = 0; i < texts.Length; i++)
        {
            known[texts[i]] = vectors[i];
        }
    }

    // The dimension is a part of what the embedder is remembered by.
    private EmbeddingCacheKey KeyOf(string text) => new(
        model, 0, EmbeddingTask.Document, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
}
