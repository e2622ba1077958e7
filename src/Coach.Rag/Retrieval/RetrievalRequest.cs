namespace Coach.Rag;

/// <summary>Checks what a caller asks for.</summary>
internal static class RetrievalRequest
{
    private const int MaxTop = 1000;
    private static readonly TimeSpan LongestLimit = TimeSpan.FromDays(1);

    /// <summary>How long a retrieval may take: timers know no longer times than some weeks.</summary>
    public static TimeSpan LimitOf(RetrievalOptions? options, CoachRagOptions defaults) =>
        options?.TimeLimit is not { } asked ? defaults.TimeLimit : asked < LongestLimit ? asked : LongestLimit;

    public static void Check(RetrievalOptions? options)
    {
        if (options is null)
        {
            return;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.Top ?? 1, 1, "options.Top");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Top ?? 1, MaxTop, "options.Top");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinScore ?? 0, 0, "options.MinScore");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MinScore ?? 0, 1, "options.MinScore");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinCoverage ?? 0, 0, "options.MinCoverage");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MinCoverage ?? 0, 1, "options.MinCoverage");
        if (options.BestTier is not (RagTier.Hybrid or RagTier.Local or RagTier.Lexical))
        {
            throw new ArgumentOutOfRangeException("options.BestTier", options.BestTier, "The best tier is Hybrid, Local or Lexical.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPerSource ?? 1, 1, "options.MaxPerSource");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Diversity, 0, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Diversity, 1, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.TimeLimit ?? TimeSpan.MaxValue, TimeSpan.Zero, "options.TimeLimit");
    }
}
