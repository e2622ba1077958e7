using Coach.Rag.Store;
using Coach.Rag.Vectors;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Rag.Tests.Vectors;

/// <summary>Searches that begin with one bit a component find what exact ones find.</summary>
public sealed class OneBitScanTests
{
    [Theory]
    [InlineData(64, true)]
    [InlineData(384, true)]
    [InlineData(384, false)]
    [InlineData(100, false)]
    [InlineData(200, true)]
    public void Search_ManyRows_RecallAt10IsThatOfTheExactScan(int dimension, bool isClustered)
    {
        const int Rows = 20_000, Queries = 25;
        var random = new Random(dimension);
        float[][] vectors = isClustered
            ? [.. RandomVectors.Clustered(random, Rows + Queries, dimension, clusters: 200, spread: 0.5f)]
            : [.. Enumerable.Range(0, Rows + Queries).Select(_ => RandomVectors.Uniform(random, dimension))];
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, vectors.Take(Rows), dimension))];
        int found = 0;
        var hits = new VectorHit[10];
        var exact = new VectorHit[10];
        foreach (float[] query in vectors.Skip(Rows))
        {
            Assert.Equal(10, VectorSearch.Search(sources, query, hits, 2, ScanChoice.OneBit, out long? rescored));
            Assert.InRange(Assert.NotNull(rescored), 10, Rows);
            Assert.Equal(10, VectorSearch.Search(sources, query, exact, 2, ScanChoice.Exact, out rescored));
            Assert.Null(rescored);
            found += hits.Count(exact.Contains);
        }

        Assert.True(found >= 0.99 * Queries * 10, $"{found} of {Queries * 10}");
    }

    [Fact]
    public void Search_AnySegmentsFiltersAndDeletions_FindsWhatTheExactScanFinds()
    {
        int found = 0, wanted = 0;
        Prop.ForAll<int>(Arb.From(Gen.Choose(0, int.MaxValue - 1)), seed =>
        {
            var random = new Random(seed);
            int dimension = random.Next(64, 200);
            using var store = new MemoryIndexStore();
            VectorSource[] sources = [.. Enumerable.Range(0, random.Next(1, 4)).Select(i =>
            {
                // Some with codes, some without.
                int rows = i == 0 ? random.Next(1024, 1400) : random.Next(0, 1400);
                VectorSegment segment = RandomVectors.Segment(
                    store, RandomVectors.Clustered(random, rows, dimension, 8, 0.5f), dimension);
                return new VectorSource(segment, new FixedBitSet(IndexContent.Bytes(random, random.Next(0, 180))),
                    random.Next(2) == 0 ? null : IndexContent.Bytes(random, random.Next(0, 180)));
            })];
            float[] query = RandomVectors.Isotropic(random, dimension);
            var hits = new VectorHit[random.Next(1, 60)];
            int count = VectorSearch.Search(sources, query, hits, random.Next(1, 3), ScanChoice.OneBit, out _);
            VectorHit[] exact = RandomVectors.Exact(sources, query, hits.Length);
            Assert.Equal(exact.Length, count);
            wanted += count;
            for (int i = 0; i < count; i++)
            {
                found += Math.Abs(exact[i].Score - hits[i].Score) < 1e-5f ? 1 : 0;
                Assert.False(sources[hits[i].Source].Deleted[hits[i].Row]);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));
        Assert.True(found >= 0.99 * wanted, $"{found} of {wanted}");
    }

    [Fact]
    public void Search_SeveralThreads_EqualsOne()
    {
        var random = new Random(3);
        using var store = new MemoryIndexStore();
        VectorSource[] sources =
        [
            new(RandomVectors.Segment(store, Enumerable.Range(0, 30_000).Select(_ => RandomVectors.Uniform(random, 64)), 64)),
            new(RandomVectors.Segment(store, Enumerable.Range(0, 500).Select(_ => RandomVectors.Uniform(random, 64)), 64)),
            new(RandomVectors.Segment(store, Enumerable.Range(0, 20_000).Select(_ => RandomVectors.Uniform(random, 64)), 64)),
        ];
        for (int i = 0; i < 20; i++)
        {
            float[] query = RandomVectors.Isotropic(random, 64);
            var one = new VectorHit[25];
            var many = new VectorHit[25];
            Assert.Equal(25, VectorSearch.Search(sources, query, one, 1, ScanChoice.OneBit, out long? byOne));
            Assert.Equal(25, VectorSearch.Search(sources, query, many, 3, ScanChoice.OneBit, out long? byMany));
            Assert.Equal(one, many);
            Assert.Equal(byOne, byMany);
        }
    }

    /// <summary>Where the bound leaves out too little, estimating first costs more than it saves: questions after that do without, and one in a while asks again.</summary>
    [Fact]
    public void Search_BoundLeavesOutTooLittle_NextQuestionsDoWithoutForAWhile()
    {
        var random = new Random(5);
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, Enumerable.Range(0, 20_000).Select(_ => RandomVectors.Isotropic(random, 64)), 64))];
        var hits = new VectorHit[600];
        var asked = new List<bool>();
        for (int i = 0; i < 40; i++)
        {
            float[] query = RandomVectors.Isotropic(random, 64);
            VectorSearch.Search(sources, query, hits, 1, ScanChoice.Auto, out long? rescored);
            asked.Add(rescored is not null);
            HashSet<int> found = [.. hits.Select(hit => hit.Row)];
            Assert.True(RandomVectors.Exact(sources, query, 600).Count(hit => found.Contains(hit.Row)) >= 590);
        }

        Assert.Equal([0, 32], asked.Index().Where(each => each.Item).Select(each => each.Index));
    }

    [Fact]
    public void Search_RotationsDiffer_EachSegmentIsAskedByItsOwn()
    {
        var random = new Random(8);
        using var store = new MemoryIndexStore();
        float[][] vectors = [.. RandomVectors.Clustered(random, 3020, 96, clusters: 10, spread: 0.4f)];
        VectorSource[] sources =
        [
            new(OneBitCodesTests.WithSeed(store, vectors[..1500], seed: 1)),
            new(OneBitCodesTests.WithSeed(store, vectors[1500..3000], seed: 2)),
        ];
        int found = 0;
        foreach (float[] query in vectors[3000..])
        {
            var hits = new VectorHit[10];
            VectorSearch.Search(sources, query, hits, 1, ScanChoice.OneBit, out long? rescored);
            Assert.InRange(Assert.NotNull(rescored), 10, 3000);
            VectorHit[] exact = RandomVectors.Exact(sources, query, 10);
            found += hits.Count(hit => exact.Any(other => (other.Source, other.Row) == (hit.Source, hit.Row)));
        }

        Assert.InRange(found, 198, 200);
    }

    [Fact]
    public void Search_SmallSetsFewWantedByFiltersOrMostWanted_AreScannedExactly()
    {
        var random = new Random(4);
        using var store = new MemoryIndexStore();
        VectorSegment small = RandomVectors.Segment(store, Enumerable.Range(0, OneBitScan.MinRows - 1).Select(_ => RandomVectors.Uniform(random, 64)), 64);
        VectorSegment large = RandomVectors.Segment(store, Enumerable.Range(0, OneBitScan.MinRows).Select(_ => RandomVectors.Uniform(random, 64)), 64);
        float[] query = RandomVectors.Uniform(random, 64);
        Assert.Null(Rescored([new(small)], query, 10));
        Assert.Null(Rescored([new(large)], query, 1000));
        Assert.NotNull(Rescored([new(large)], query, 10));
        VectorSegment other = RandomVectors.Segment(store, Enumerable.Range(0, OneBitScan.MinRows).Select(_ => RandomVectors.Uniform(random, 64)), 64);
        Assert.NotNull(Rescored([new(small), new(other)], query, 10));

        // A filter that keeps few, deletions that leave few, and none at all.
        var few = new byte[large.Rows / 8];
        few[1000] = 0b1010;
        Assert.Null(Rescored([new(large, default, few)], query, 10));
        var hits = new VectorHit[10];
        Assert.Equal(2, VectorSearch.Search([new VectorSource(large, default, few)], query, hits));
        Assert.Equal([8001, 8003], hits[..2].Select(hit => hit.Row).Order());
        var deleted = new byte[large.Rows / 8];
        deleted.AsSpan().Fill(255);
        Assert.Equal(0, VectorSearch.Search([new VectorSource(large, new FixedBitSet(deleted))], query, hits));
        Assert.Equal(0, VectorSearch.Search([new VectorSource(large, new FixedBitSet(deleted))], query, hits, 2, ScanChoice.OneBit, out _));
        deleted[0] = 254;
        Assert.Equal(1, VectorSearch.Search([new VectorSource(large, new FixedBitSet(deleted))], query, hits, 2, ScanChoice.OneBit, out _));
        Assert.Equal(0, hits[0].Row);
    }

    [Fact]
    public void Search_FilterKeepsAQuarter_AnswersExactScoresOfThoseAlone()
    {
        var random = new Random(9);
        using var store = new MemoryIndexStore();
        VectorSegment segment = RandomVectors.Segment(store, RandomVectors.Clustered(random, 70_000, 64, 100, 0.4f), 64);
        byte[] allowed = IndexContent.Bytes(random, segment.Rows / 8);
        byte[] other = IndexContent.Bytes(random, segment.Rows / 8);
        VectorSource[] sources = [new(segment, new FixedBitSet(other), allowed)];
        float[] query = RandomVectors.Isotropic(random, 64);
        var hits = new VectorHit[20];
        Assert.Equal(20, VectorSearch.Search(sources, query, hits, 2, ScanChoice.OneBit, out long? rescored));
        Assert.NotNull(rescored);
        VectorHit[] exact = RandomVectors.Exact(sources, query, 20);
        Assert.Equal(exact.Select(hit => hit.Row), hits.Select(hit => hit.Row));
        Assert.All(hits.Zip(exact), pair => Assert.Equal(pair.Second.Score, pair.First.Score, 1e-5f));
    }

    [Fact]
    public void Search_MoreWantedThanThereAre_IsAllOfThemOnce()
    {
        var random = new Random(5);
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, Enumerable.Range(0, 1100).Select(_ => RandomVectors.Uniform(random, 64)), 64))];
        var hits = new VectorHit[2000];
        Assert.Equal(1100, VectorSearch.Search(sources, RandomVectors.Uniform(random, 64), hits, 2, ScanChoice.OneBit, out _));
        Assert.Equal(1100, hits[..1100].Select(hit => hit.Row).Distinct().Count());
        Assert.Equal(hits[..1100].OrderDescending().Reverse(), hits[..1100]);
    }

    [Fact]
    public void Search_EqualOppositeAndZeroVectors_AreInOrder()
    {
        var random = new Random(6);
        float[] one = RandomVectors.Isotropic(random, 80);
        float[] opposite = [.. one.Select(value => -value)];
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(
            store, [.. Enumerable.Repeat(opposite, 600), .. Enumerable.Repeat(new float[80], 300), .. Enumerable.Repeat(one, 200)], 80))];
        var hits = new VectorHit[350];
        Assert.Equal(350, VectorSearch.Search(sources, one, hits, 2, ScanChoice.OneBit, out _));
        Assert.All(hits[..200], hit => Assert.Equal(1, hit.Score, 1e-5f));
        Assert.All(hits[200..], hit => Assert.Equal(0, hit.Score));
        Assert.All(hits[200..], hit => Assert.InRange(hit.Row, 600, 899));

        Assert.Equal(0, VectorSearch.Search(sources, new float[80], hits, 2, ScanChoice.OneBit, out _));
        Assert.Throws<ArgumentException>(() => VectorSearch.Search(sources, [.. one[..79], float.NaN], hits, 2, ScanChoice.OneBit, out _));
        Assert.Throws<ArgumentException>(() => VectorSearch.Search(sources, one[..79], hits, 2, ScanChoice.OneBit, out _));
    }

    [Theory]
    [InlineData(1f)]        // every component the same
    [InlineData(1e-30f)]
    [InlineData(1e30f)]
    public void Search_ConstantQuery_IsLikeAnyOther(float value)
    {
        var random = new Random(7);
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, Enumerable.Range(0, 1500).Select(_ => RandomVectors.Isotropic(random, 128)), 128))];
        var query = new float[128];
        query.AsSpan().Fill(value);
        var hits = new VectorHit[10];
        Assert.Equal(10, VectorSearch.Search(sources, query, hits, 1, ScanChoice.OneBit, out _));
        query.AsSpan().Fill(1);
        Assert.Equal(RandomVectors.Exact(sources, query, 10)[0].Score, hits[0].Score, 1e-5f);
    }

    [Fact]
    public void Search_BoundLeavesNothingOut_ScansInOrderInstead()
    {
        // All alike: every row may be among the best, and the right ones still are.
        var random = new Random(10);
        float[] centre = RandomVectors.Isotropic(random, 128);
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, Enumerable.Range(0, 17_000).Select(_ =>
        {
            float[] noise = RandomVectors.Uniform(random, 128);
            return centre.Select((value, i) => value + (0.02f * noise[i])).ToArray();
        }), 128))];
        var hits = new VectorHit[10];
        var exact = new VectorHit[10];
        VectorSearch.Search(sources, centre, hits, 2, ScanChoice.Auto, out long? rescored);
        VectorSearch.Search(sources, centre, exact, 2, ScanChoice.Exact, out _);
        Assert.NotNull(rescored);
        Assert.Equal(exact[9].Score, hits[9].Score, 1e-5f);
    }

    private static long? Rescored(VectorSource[] sources, float[] query, int wanted)
    {
        VectorSearch.Search(sources, query, new VectorHit[wanted], 2, ScanChoice.Auto, out long? rescored);
        return rescored;
    }
}
