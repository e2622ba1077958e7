namespace Coach.Rag.Chat;

/// <summary>Ranks a retrieval's passages anew, in bounded time; what fails leaves them as they were.</summary>
internal static class PassageReranking
{
    public static async ValueTask<IReadOnlyList<Passage>> RankAsync(
        string question, IReadOnlyList<Passage> passages, IPassageReranker reranker, RerankOptions options,
        CancellationToken cancellationToken)
    {
        if (passages.Count < 2)
        {
            return passages;
        }

        using var deadline = new Deadline(options.TimeLimit, options.Time, cancellationToken);
        try
        {
            // The wait ends at the limit, also for one that looks at no token.
            IReadOnlyList<int> order = await Task.Run(
                () => reranker.RankAsync(question, passages, deadline.Token).AsTask(), deadline.Token)
                .WaitAsync(deadline.Token).ConfigureAwait(false);
            int[] known = [.. order.Where(at => at >= 0 && at < passages.Count).Distinct()];
            return [.. known.Concat(Enumerable.Range(0, passages.Count).Except(known)).Select(at => passages[at])];
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            return passages;
        }
    }
}
