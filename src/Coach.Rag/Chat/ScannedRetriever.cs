using Coach.Rag.Diagnostics;
using Coach.Rag.Tiers;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Chat;

/// <summary>Shows what another retriever found as far as every scanner lets it through. Fails closed.</summary>
internal sealed class ScannedRetriever(
    IRetriever inner, IReadOnlyList<IPassageScanner> scanners, TimeSpan limit, RagInstruments instruments,
    TimeProvider time, ILogger<ScannedRetriever> logger) : IRetriever
{
    private int _isFailing;

    public RagTier Tier => inner.Tier;

    public Degradation? Degradation => inner.Degradation;

    public async ValueTask<IReadOnlyList<Passage>> ExpandAsync(
        Passage passage, PassageExpansion? expansion = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<Passage> around = await inner.ExpandAsync(passage, expansion, cancellationToken)
            .ConfigureAwait(false);
        return await ShownAsync(around, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken = default) =>
        inner.CompareAsync(question, texts, cancellationToken);

    public async Task<Retrieval> RetrieveAsync(
        string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        Retrieval found = await inner.RetrieveAsync(query, options, cancellationToken).ConfigureAwait(false);
        if (found.Passages.Count == 0)
        {
            return found;
        }

        IReadOnlyList<Passage> shown = await ShownAsync(found.Passages, cancellationToken).ConfigureAwait(false);
        return shown.Count == found.Passages.Count ? found : found with { Passages = shown };
    }

    private async Task<IReadOnlyList<Passage>> ShownAsync(
        IReadOnlyList<Passage> passages, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(limit, time, cancellationToken);
        Task<PassageVerdict>[] scans = [.. passages.Select(passage => ScanAsync(passage, deadline))];
        PassageVerdict[] verdicts = await Task.WhenAll(scans).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        Passage[] shown = [.. passages.Where((_, i) => verdicts[i] == PassageVerdict.Show)];
        instruments.Withheld.Add(passages.Count - shown.Length);
        return shown;
    }

    private async Task<PassageVerdict> ScanAsync(Passage passage, Deadline deadline)
    {
        try
        {
            foreach (IPassageScanner scanner in scanners)
            {
                // The wait ends at the limit, also for a scanner that looks at no token.
                PassageVerdict verdict = await Task.Run(
                    () => scanner.ScanAsync(passage, deadline.Token).AsTask(), deadline.Token)
                    .WaitAsync(deadline.Token).ConfigureAwait(false);
                if (verdict != PassageVerdict.Show)
                {
                    return PassageVerdict.Withhold;
                }
            }

            Volatile.Write(ref _isFailing, 0);
            return PassageVerdict.Show;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Once until a scan succeeds: whoever asks could otherwise fill the log.
            if (Interlocked.Exchange(ref _isFailing, 1) == 0)
            {
                logger.ScanFailed(exception.GetType().Name);
            }

            return PassageVerdict.Withhold;
        }
    }
}
