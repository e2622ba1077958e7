using Coach.Rag.Lexical;
using Coach.Rag.Search;

namespace Coach.Rag.Tests.Search;

public sealed class RankFusionTests
{
    [Fact]
    public void Fuse_TwoLists_IsTheWeightedMeanOfMinMaxScores()
    {
        ScoreDoc[] lexical = [new(1, 10), new(2, 6), new(3, 2)];
        ScoreDoc[] second = [new(3, 0.9f), new(4, 0.5f), new(1, 0.1f)];
        var output = new FusedDoc[6];
        int count = RankFusion.Fuse(lexical, second, full: 3, new FusionWeight(0.4f), output);
        Assert.Equal([(1, 0.6f), (3, 0.4f), (2, 0.3f), (4, 0.2f)], output[..count].Select(row => ((int)row.Row, MathF.Round(row.Score, 5))));
    }

    [Fact]
    public void Fuse_ShortList_KeepsItsLastRowAboveZero()
    {
        var output = new FusedDoc[2];
        RankFusion.Fuse([new(1, 10), new(2, 5)], [], full: 200, default, output);
        Assert.Equal([1f, 0.5f], output.Select(row => row.Score));
    }

    [Fact]
    public void Fuse_SecondListWithoutSpread_IsLeftOut()
    {
        var output = new FusedDoc[5];
        int count = RankFusion.Fuse([new(1, 10), new(2, 5)], [new(7, 0.8f), new(8, 0.8f), new(2, 0.8f)], full: 3, new FusionWeight(0.7f), output);
        Assert.Equal([1L, 2L], output[..count].Select(row => row.Row));
    }

    /// <summary>Whatever the tail's weight, the first ten rows and their scores stay, no row is lost, and scores never rise.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Fuse_TailWeight_OnlyReordersBehindTheHead(int seed)
    {
        var random = new Random(seed);
        ScoreDoc[] lexical = [.. Enumerable.Range(0, 60).Select(i => new ScoreDoc(random.Next(0, 200), 60 - i)).DistinctBy(row => row.Row)];
        ScoreDoc[] second = [.. Enumerable.Range(0, 60).Select(i => new ScoreDoc(random.Next(0, 200), 1 - (i / 100f))).DistinctBy(row => row.Row)];
        var plain = new FusedDoc[120];
        var tailed = new FusedDoc[120];
        int count = RankFusion.Fuse(lexical, second, 40, new FusionWeight(0.1f), plain);
        Assert.Equal(count, RankFusion.Fuse(lexical, second, 40, new FusionWeight(0.1f, Tail: 0.45f), tailed));
        Assert.Equal(plain[..10], tailed[..10]);
        Assert.Equal(plain[..count].Select(row => row.Row).Order(), tailed[..count].Select(row => row.Row).Order());
        Assert.NotEqual(plain[..count].Select(row => row.Row), tailed[..count].Select(row => row.Row));
        Assert.True(tailed[9].Score > tailed[10].Score);
        Assert.All(tailed[..count].Zip(tailed[1..count]), pair => Assert.True(pair.First.Score >= pair.Second.Score));
    }

    [Fact]
    public void FuseVectors_FusedRowsAndAnEncodersList_IsTheWeightedMeanOfBoth()
    {
        var rows = new FusedDoc[6];
        rows[0] = new FusedDoc(1, 10, 0.5f, float.NaN, 0.8f);
        rows[1] = new FusedDoc(2, 6, float.NaN, float.NaN, 0.4f);
        int count = RankFusion.FuseVectors(rows, 2, [new(3, 0.9f), new(2, 0.7f), new(4, 0.5f)], full: 3, 0.45f);
        Assert.Equal(
            [(1, 0.55f), (2, 0.5f), (3, 0.45f), (4, 0f)],
            rows[..count].Select(row => ((int)row.Row, MathF.Round(row.Score, 5))));
        Assert.Equal((10, 0.5f), (rows[0].Lexical, rows[0].Lsa));
        Assert.Equal((6, 0.7f), (rows[1].Lexical, rows[1].Vector));
        Assert.True(float.IsNaN(rows[2].Lexical) && float.IsNaN(rows[0].Vector));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    public void FuseVectors_NoWeight_LeavesTheRowsAsTheyAre(float weight)
    {
        FusedDoc[] rows = [new(1, 10, float.NaN, float.NaN, 0.8f), default];
        Assert.Equal(1, RankFusion.FuseVectors(rows, 1, [new(3, 0.9f), new(2, 0.7f)], 3, weight));
        Assert.Equal(0.8f, rows[0].Score);
    }

    [Fact]
    public void FuseVectors_NoOtherRows_RanksByTheEncoderAlone()
    {
        var rows = new FusedDoc[3];
        int count = RankFusion.FuseVectors(rows, 0, [new(3, 0.9f), new(2, 0.7f), new(4, 0.5f)], 200, 0.45f);
        Assert.Equal([3L, 2L, 4L], rows[..count].Select(row => row.Row));
        Assert.All(rows[..count], row => Assert.InRange(row.Score, 0.0001f, 0.45f));
    }
}
