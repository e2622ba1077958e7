using Coach.Rag.Indexing;

namespace Coach.Rag.Tests.Indexing;

public sealed class TieredMergePolicyTests
{
    private const long Megabyte = 1 << 20;
    private static readonly TieredMergePolicy Policy = new();

    [Fact]
    public void Choose_NoMoreThanATierHolds_LeavesThemAlone() =>
        Assert.Empty(Policy.Choose([.. Enumerable.Repeat(Of(1000), Policy.SegmentsPerTier)]));

    [Fact]
    public void Choose_OneMoreThanATierHolds_JoinsAsManyAsItMay() =>
        Assert.Equal(Policy.MaxMergeAtOnce, Policy.Choose([.. Enumerable.Repeat(Of(1000), Policy.SegmentsPerTier + 1)]).Count);

    [Fact]
    public void Choose_ManySmallOnesBesideALargeOne_LeavesTheLargeOne()
    {
        MergeCandidate[] segments = [Of(30 * Megabyte), .. Enumerable.Repeat(Of(2000), 30)];
        IReadOnlyList<int> chosen = Policy.Choose(segments);
        Assert.NotEmpty(chosen);
        Assert.DoesNotContain(0, chosen);
    }

    [Fact]
    public void Choose_AlmostTheLargestMergedSegment_IsNeverJoined()
    {
        MergeCandidate[] segments = [.. Enumerable.Repeat(Of(Policy.MaxMergedSegment - 1), 40)];
        Assert.Empty(Policy.Choose(segments));
    }

    [Fact]
    public void Choose_AnySizes_NeverMakesMoreThanTheLargestMergedSegment()
    {
        var random = new Random(1);
        for (int round = 0; round < 500; round++)
        {
            MergeCandidate[] segments =
            [
                .. Enumerable.Range(0, random.Next(1, 60)).Select(_ =>
                    Of((long)Math.Pow(2, random.NextDouble() * 27), 100, random.Next(4) == 0 ? random.Next(100) : 0)),
            ];
            IReadOnlyList<int> chosen = Policy.Choose(segments);
            Assert.True(chosen.Count <= Policy.MaxMergeAtOnce);
            Assert.True(chosen.Count < 2 || chosen.Sum(s => segments[s].LiveBytes) <= Policy.MaxMergedSegment);
            Assert.Equal(chosen.Distinct().Order(), chosen);
        }
    }

    [Fact]
    public void Choose_OtherEmbedders_AreNotJoined()
    {
        MergeCandidate[] segments = [.. Enumerable.Range(0, 16).Select(i => Of(1000) with { Embedders = i % 2 == 0 ? "a" : "b" })];
        Assert.Empty(Policy.Choose(segments));
        segments = [.. Enumerable.Range(0, 32).Select(i => Of(1000) with { Embedders = i % 2 == 0 ? "a" : "b" })];
        Assert.Single(Policy.Choose(segments).Select(s => segments[s].Embedders).Distinct());
    }

    [Theory]
    [InlineData(19, 0)]
    [InlineData(51, 1)]
    public void Choose_DeletedRowsOfOneOfMany_CountFromHalfOn(int deleted, int chosen)
    {
        MergeCandidate[] segments = [Of(Megabyte, 100), Of(Megabyte, 100, deleted), Of(Megabyte, 100), Of(Megabyte, 100)];
        Assert.Equal(chosen, Policy.Choose(segments).Count);
    }

    [Fact]
    public void Choose_TooManyDeletedRowsInAll_TakesTheSegmentWithTheLargestShare()
    {
        MergeCandidate[] segments = [Of(Megabyte, 100, 15), Of(Megabyte, 100, 40), Of(Megabyte, 100, 22)];
        Assert.Equal([1], Policy.Choose(segments));
    }

    [Fact]
    public void Choose_HeldSegments_AreLeftAlone()
    {
        MergeCandidate[] segments = [.. Enumerable.Repeat(Of(1000) with { IsHeld = true }, 20)];
        Assert.Empty(Policy.Choose(segments));
        Assert.Empty(Policy.Choose([Of(Megabyte, 10, 10) with { IsHeld = true }]));
    }

    [Fact]
    public void Choose_OneAtATimeIsAdded_RewritesEachRowAFewTimes()
    {
        // 20,000 commits of a kilobyte: what merging writes, and how many segments there are, stay small.
        var segments = new List<MergeCandidate>();
        long written = 0;
        for (int i = 0; i < 20_000; i++)
        {
            segments.Add(Of(1000, 1));
            while (Policy.Choose(segments) is { Count: > 0 } chosen)
            {
                var joined = new MergeCandidate(chosen.Sum(s => segments[s].LiveBytes), chosen.Sum(s => segments[s].Rows), 0, "");
                segments = [.. segments.Where((_, s) => !chosen.Contains(s)), joined];
                written += joined.Bytes;
            }

            Assert.InRange(segments.Count, 1, 40);
        }

        Assert.InRange((double)written / (20_000 * 1000), 1, 12);
    }

    private static MergeCandidate Of(long bytes, int rows = 10, int deleted = 0) => new(bytes, rows, deleted, "");
}
