namespace Coach.Rag.Lsa;

/// <summary>Splits a range into pieces for a few threads.</summary>
internal static class Parallelism
{
    public static void For(
        int count, int atLeast, int threads, CancellationToken cancellationToken, Action<int, int> work)
    {
        int pieces = Math.Clamp(count / atLeast, 1, threads * 8);
        if (pieces == 1 || threads == 1)
        {
            cancellationToken.ThrowIfCancellationRequested();
            work(0, count);
            return;
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken };
        Parallel.For(0, pieces, options, piece =>
            work((int)((long)count * piece / pieces), (int)((long)count * (piece + 1) / pieces)));
    }
}
