using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Coach.Rag.Settings;

/// <summary>Checks the ranges that <see cref="CoachRagOptions"/> names.</summary>
internal sealed class CoachRagOptionsValidator : IValidateOptions<CoachRagOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachRagOptions options) =>
        new OptionsCheck("Coach:Rag", name)
            .InRange(options.TimeLimit, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5))
            .InRange(options.EmbeddingTimeLimit, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1))
            .InRange(options.BatchTimeLimit, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10))
            .InRange(options.Top, 1, 1000)
            .InRange(options.MinScore, 0, 1)
            .InRange(options.MinCoverage, 0, 1)
            .InRange(options.MinSimilarity ?? 0, -1, 1, "options.MinSimilarity")
            .That(options.QueryPrefix.Length <= 500, "Coach:Rag:QueryPrefix has more than 500 characters.")
            .That(options.DocumentPrefix.Length <= 500, "Coach:Rag:DocumentPrefix has more than 500 characters.")
            .InRange(options.ChunkTokens, 32, 4096)
            .InRange(options.ChunkOverlapTokens, 0, options.ChunkTokens / 2)
            .InRange(options.MaxDocumentBytes, 1L << 10, 1L << 30)
            .InRange(options.MaxExpandedBytes, 1L << 20, 2L << 30)
            .InRange(options.MaxNesting, 1, 10_000)
            .InRange(options.DocumentTimeLimit, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1))
            .InRange(options.ContentCheckInterval, TimeSpan.Zero, TimeSpan.FromDays(30))
            .That(
                options.MarkupPatterns.Count <= 64 && options.MarkupPatterns.All(IsPattern),
                "Coach:Rag:MarkupPatterns holds more than 64 patterns, or one that is no regular expression without look-arounds.")
            .InRange(options.EraseAfter, TimeSpan.FromMinutes(1), TimeSpan.FromDays(365))
            .InRange(options.MaxDeadShare, 0.05, 1)
            .InRange(options.MaxPassages, 1, 100_000_000)
            .InRange(options.RescanInterval, TimeSpan.Zero, TimeSpan.FromDays(1))
            .InRange(options.EmbeddingBatchSize, 1, 2048)
            .InRange(options.EmbeddingParallelism, 1, 64)
            .InRange(options.LearnThreads, 1, 64)
            .InRange(options.Bm25K1, 0, 10)
            .InRange(options.Bm25B, 0, 1)
            .Result();

    private static bool IsPattern(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
