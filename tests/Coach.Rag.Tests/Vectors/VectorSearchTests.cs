using Coach.Rag.Store;
using Coach.Rag.Vectors;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Rag.Tests.Vectors;

public sealed class VectorSearchTests
{
    [Theory]
    [InlineData(384, false)]
    [InlineData(768, false)]
    [InlineData(384, true)]
    [InlineData(768, true)]
    [InlineData(50, false)]
    [InlineData(256, true)]
    public void Search_ClusteredAndIsotropic_RecallAt10IsAtLeast999InAThousand(int dimension, bool isClustered)
    {
        const int Rows = 3000, Queries = 40;
        var random = new Random(dimension);
        using var store = new MemoryIndexStore();
        float[][] vectors = isClustered
            ? [.. RandomVectors.Clustered(random, Rows + Queries, dimension, clusters: 20, spread: 0.2f)]
            : [.. Enumerable.Range(0, Rows + Queries).Select(_ => RandomVectors.Isotropic(random, dimension))];
        VectorSource[] sources = [new(RandomVectors.Segment(store, vectors.Take(Rows), dimension))];
        int found = 0;
        var hits = new VectorHit[10];
        foreach (float[] query in vectors.Skip(Rows))
        {
            Assert.Equal(10, VectorSearch.Search(sources, query, hits));
            VectorHit[] exact = RandomVectors.Exact(sources, query, 10);
            found += hits.Count(hit => exact.Any(other => other.Row == hit.Row));
            Assert.Equal(exact[0].Score, hits[0].Score, 1e-5f);
        }

        Assert.True(found >= 0.999 * Queries * 10, $"{found} of {Queries * 10}");
    }

    [Fact]
    public void Search_AnySegmentsFiltersAndDeletions_EqualsTheExactScan() =>
        Prop.ForAll<int>(Arb.From(Gen.Choose(0, int.MaxValue - 1)), seed =>
        {
            var random = new Random(seed);
            int dimension = random.Next(1, 200);
            using var store = new MemoryIndexStore();
            VectorSource[] sources = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
            {
                int rows = random.Next(0, 400);
                VectorSegment segment = RandomVectors.Segment(store, Enumerable.Range(0, rows).Select(_ => RandomVectors.Isotropic(random, dimension)), dimension);
                return new VectorSource(segment, new FixedBitSet(IndexContent.Bytes(random, random.Next(0, 50))),
                    random.Next(2) == 0 ? null : IndexContent.Bytes(random, random.Next(0, 50)));
            })];
            float[] query = RandomVectors.Isotropic(random, dimension);
            var hits = new VectorHit[random.Next(1, 60)];
            int count = VectorSearch.Search(sources, query, hits);
            VectorHit[] exact = RandomVectors.Exact(sources, query, hits.Length);
            Assert.Equal(exact.Length, count);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(exact[i].Score, hits[i].Score, 1e-5f);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Search_SeveralThreads_EqualsOne()
    {
        var random = new Random(3);
        using var store = new MemoryIndexStore();
        VectorSource[] sources =
        [
            new(RandomVectors.Segment(store, Enumerable.Range(0, 40_000).Select(_ => RandomVectors.Uniform(random, 64)), 64)),
            new(RandomVectors.Segment(store, Enumerable.Range(0, 30_000).Select(_ => RandomVectors.Uniform(random, 64)), 64)),
        ];
        for (int i = 0; i < 20; i++)
        {
            float[] query = RandomVectors.Isotropic(random, 64);
            var one = new VectorHit[25];
            var many = new VectorHit[25];
            Assert.Equal(VectorSearch.Search(sources, query, one), VectorSearch.Search(sources, query, many, threads: 3));
            Assert.Equal(one, many);
        }
    }

    [Fact]
    public void Search_NearlyEqualVectors_WidensUntilTheyAreToldApart()
    {
        var random = new Random(4);
        float[] centre = RandomVectors.Isotropic(random, 128);
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, Enumerable.Range(0, 600).Select(_ =>
        {
            float[] noise = RandomVectors.Isotropic(random, 128);
            return centre.Select((value, i) => value + (0.002f * noise[i])).ToArray();
        }), 128))];
        var hits = new VectorHit[10];
        VectorSearch.Search(sources, centre, hits);
        Assert.Equal(RandomVectors.Exact(sources, centre, 10)[9].Score, hits[9].Score, 1e-6f);
    }

    [Fact]
    public void Search_WarmedUp_AllocatesNothing()
    {
        var random = new Random(3);
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, Enumerable.Range(0, 2000).Select(_ => RandomVectors.Isotropic(random, 96)), 96))];
        float[] query = RandomVectors.Isotropic(random, 96);
        var hits = new VectorHit[10];
        long least = long.MaxValue;
        for (int i = 0; i < 100; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            VectorSearch.Search(sources, query, hits);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void Search_ZeroOrBadQuery_IsEmptyOrRefused()
    {
        using var store = new MemoryIndexStore();
        VectorSource[] sources = [new(RandomVectors.Segment(store, [[1, 0], [0, 0], [-1, 0]], 2))];
        var hits = new VectorHit[5];
        Assert.Equal(0, VectorSearch.Search(sources, new float[2], hits));
        Assert.Equal(0, VectorSearch.Search([], new float[2], hits));
        Assert.Equal(0, VectorSearch.Search(sources, [1f, 0f], []));
        Assert.Throws<ArgumentException>(() => VectorSearch.Search(sources, [float.NaN, 1], hits));
        Assert.Throws<ArgumentException>(() => VectorSearch.Search(sources, [1, 2, 3], hits));
        Assert.Equal(3, VectorSearch.Search(sources, [1e-30f, 0], hits));
        Assert.Equal([new VectorHit(0, 0, 1), new VectorHit(0, 1, 0), new VectorHit(0, 2, -1)], hits[..3]);
    }

    [Fact]
    public void Add_WrongDimensionOrNotFinite_IsRefused()
    {
        var builder = new VectorBuilder(2);
        Assert.Throws<ArgumentException>(() => builder.Add([1]));
        Assert.Throws<ArgumentException>(() => builder.Add([1, float.PositiveInfinity]));
        builder.Add([3e20f, 4e20f]);
        Assert.Equal(1, builder.Rows);
    }

    [Fact]
    public void Open_SectionsDoNotFit_IsCorrupt()
    {
        using var store = new MemoryIndexStore();
        store.Commit(new IndexChange
        {
            Add =
            [
                new SegmentPayload().Add(SectionKind.DenseCodes, new byte[64]).Add(SectionKind.DenseVectors, new byte[4]),
                new SegmentPayload().Add(SectionKind.DenseCodes, new byte[3]).Add(SectionKind.DenseVectors, new byte[4]),
                new SegmentPayload().Add(SectionKind.Text, new byte[3]),
            ],
        }, default);
        using IndexCommitReader snapshot = store.Acquire();
        Assert.Equal(RagError.IndexCorrupt, Assert.Throws<RagException>(() => VectorSegment.Open(snapshot.Segments[0], "x")).Error);
        Assert.Throws<RagException>(() => VectorSegment.Open(snapshot.Segments[1], "x"));
        Assert.Null(VectorSegment.Open(snapshot.Segments[2], "x"));
    }
}
