using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Vectors;

/// <summary>The codes themselves: rotation, estimate, and a section that is not what it should be.</summary>
public sealed class OneBitCodesTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(100)]
    [InlineData(384)]
    [InlineData(768)]
    [InlineData(1000)]
    [InlineData(1536)]
    public void Rotate_AnyDimension_KeepsLengthsAndAngles(int dimension)
    {
        var random = new Random(dimension);
        var rotation = new OneBitRotation(dimension, seed: 7);
        float[] a = Unit(RandomVectors.Isotropic(random, dimension)), b = Unit(RandomVectors.Isotropic(random, dimension));
        var rotatedA = new float[rotation.Components];
        var rotatedB = new float[rotation.Components];
        rotation.Rotate(a, rotatedA);
        rotation.Rotate(b, rotatedB);
        Assert.Equal(1, TensorPrimitives.Norm<float>(rotatedA), 1e-5f);
        Assert.Equal(TensorPrimitives.Dot<float>(a, b), TensorPrimitives.Dot<float>(rotatedA, rotatedB), 1e-5f);

        // The rotation is the seed's, every time; another seed has another.
        var again = new float[rotation.Components];
        new OneBitRotation(dimension, seed: 7).Rotate(a, again);
        Assert.Equal(rotatedA, again);
        new OneBitRotation(dimension, seed: 8).Rotate(a, again);
        Assert.NotEqual(rotatedA, again);
    }

    [Theory]
    [InlineData("isotropic", 384)]
    [InlineData("isotropic", 100)]
    [InlineData("isotropic", 768)]
    [InlineData("isotropic", 1536)]
    [InlineData("clustered", 384)]
    [InlineData("clustered", 70)]
    [InlineData("shifted", 384)]
    [InlineData("one of each", 384)]
    [InlineData("zeros and ones", 256)]
    [InlineData("sparse", 768)]
    public void Estimate_AnyVectors_IsUnbiasedAndWithinItsBound(string kind, int dimension)
    {
        const int Rows = 1100, Queries = 30;
        var random = new Random(11);
        float[][] vectors = [.. Vectors(kind, random, Rows + Queries, dimension)];
        using var store = new MemoryIndexStore();
        VectorSegment segment = RandomVectors.Segment(store, vectors.Take(Rows), dimension);
        OneBitCodes codes = segment.Bits!;
        Assert.True(codes.Agrees);
        Assert.InRange(codes.Deviation, 0, 1.3);
        int within = 0;
        double sum = 0, squares = 0;
        foreach (float[] query in vectors.Skip(Rows))
        {
            float[] unit = Unit(query);
            var coded = new OneBitQuery(codes.Rotation, unit);
            for (int row = 0; row < Rows; row++)
            {
                (float estimate, float factor) = Estimate(codes, coded, row);
                float cosine = TensorPrimitives.Dot(unit, segment.Vector(row));
                double relative = (estimate - cosine) / coded.Deviation(factor, cosine);
                within += Math.Abs(relative) <= OneBitScan.Deviations ? 1 : 0;
                sum += relative;
                squares += relative * relative;
            }
        }

        // Three deviations: 99.7 of 100, where theory and vectors agree. One rotation serves all, so that errors of
        // vectors that are alike are alike: their mean is not zero to the last digit.
        double share = (double)within / (Rows * Queries);
        Assert.True(share >= 0.99, $"{share} within the bound");
        Assert.InRange(sum / (Rows * Queries), -0.3, 0.3);
        Assert.InRange(Math.Sqrt(squares / (Rows * Queries)), 0.3, 1.25);
    }

    [Fact]
    public void Estimate_OverManyRotations_HasNoBias()
    {
        const int Dimension = 128, Seeds = 600;
        var rotated = new float[Dimension];
        var random = new Random(5);
        float[] row = Unit(RandomVectors.Isotropic(random, Dimension));
        float[] query = Unit([.. row.Select((value, i) => value + (i % 3 == 0 ? 0.1f : -0.02f))]);
        float cosine = TensorPrimitives.Dot<float>(row, query);
        double sum = 0;
        double deviation = 0;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            var rotation = new OneBitRotation(Dimension, seed);
            var coded = new OneBitQuery(rotation, query);
            rotation.Rotate(row, rotated);
            float factor = OneBitWriter.FactorOf(rotated);
            sum += (factor * OneBitWriter.Product(coded, rotated)) - cosine;
            deviation = coded.Deviation(factor, cosine);
        }

        Assert.InRange(sum / Seeds, -4 * deviation / Math.Sqrt(Seeds), 4 * deviation / Math.Sqrt(Seeds));
    }

    [Fact]
    public void Estimate_ZeroVectorOrOneThatIsItsOwnCode_IsExact()
    {
        // The vector whose rotation has components of one magnitude is what its code says: no error at all, and no
        // root of a number below zero.
        const int Dimension = 64;
        var rotation = new OneBitRotation(Dimension, OneBitFormat.OwnSeed);
        var inverse = new float[Dimension];
        var axis = new float[Dimension];
        var rotated = new float[Dimension];
        for (int i = 0; i < Dimension; i++)
        {
            axis.AsSpan().Clear();
            axis[i] = 1;
            rotation.Rotate(axis, rotated);
            inverse[i] = TensorPrimitives.Sum<float>(rotated) / MathF.Sqrt(Dimension);
        }

        using var store = new MemoryIndexStore();
        float[][] vectors = [inverse, new float[Dimension], .. Enumerable.Repeat(inverse, OneBitFormat.MinRows)];
        OneBitCodes codes = RandomVectors.Segment(store, vectors, Dimension).Bits!;
        var query = new OneBitQuery(rotation, Unit(RandomVectors.Isotropic(new Random(1), Dimension)));
        (float estimate, float factor) = Estimate(codes, query, 0);
        Assert.Equal(0, OneBitQuery.SquaredError(factor, Dimension), 1e-5f);
        Assert.True(float.IsFinite(estimate) && float.IsFinite(query.Deviation(factor, 1)));
        Assert.Equal((0f, 0f), Estimate(codes, query, 1));
        Assert.Equal(0, query.Deviation(0, 0));
    }

    [Fact]
    public void AddTo_FewRowsOrShortVectors_HaveNoCodes()
    {
        var random = new Random(1);
        using var store = new MemoryIndexStore();
        Assert.Null(RandomVectors.Segment(store, Many(random, OneBitFormat.MinRows - 1, 64), 64).Bits);
        Assert.NotNull(RandomVectors.Segment(store, Many(random, OneBitFormat.MinRows, 64), 64).Bits);
        Assert.Null(RandomVectors.Segment(store, Many(random, OneBitFormat.MinRows, 63), 63).Bits);
    }

    [Fact]
    public void AddTo_RowsOfAnOlderFile_HaveCodesWhereTheyAreWrittenAnew()
    {
        using var store = new MemoryIndexStore();
        VectorSegment old = Changed(store, Many(new Random(1), 1200, 64), 64, (_, _) => null);
        Assert.Null(old.Bits);
        var builder = new VectorBuilder(64);
        builder.AddRange(old, 0, old.Rows);
        var payload = new SegmentPayload();
        builder.AddTo(payload);
        store.Commit(new IndexChange { Add = [payload] }, default);
        using IndexCommitReader snapshot = store.Acquire();
        VectorSegment renewed = VectorSegment.Open(snapshot.Segments[^1], store.Name)!;
        Assert.True(renewed.Bits!.Agrees);
        Assert.Equal(1, TensorPrimitives.Dot(old.Vector(1199), renewed.Vector(1199)), 1e-5f);
    }

    [Theory]
    [InlineData(0, 1)]      // not the magic
    [InlineData(4, 7)]      // another number of rows
    [InlineData(8, 1)]      // another dimension
    public void Open_HeadDoesNotFit_IsCorrupt(int at, byte difference)
    {
        using var store = new MemoryIndexStore();
        RagException e = Assert.Throws<RagException>(() => Changed(store, Many(new Random(1), 1100, 64), 64, (_, bytes) =>
        {
            bytes[at] ^= difference;
            return bytes;
        }));
        Assert.Equal(RagError.IndexCorrupt, e.Error);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(-1f)]
    [InlineData(2.5f)]
    public void Search_EstimatesDidNotAgreeWhenTheyWereMade_AreNotUsed(float deviation)
    {
        var random = new Random(1);
        using var store = new MemoryIndexStore();
        VectorSegment segment = Changed(store, Many(random, 1100, 64), 64, (_, bytes) =>
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(12), deviation);
            return bytes;
        });
        Assert.False(segment.Bits!.Agrees);
        var hits = new VectorHit[5];
        float[] query = RandomVectors.Isotropic(random, 64);
        Assert.Equal(5, VectorSearch.Search([new VectorSource(segment)], query, hits, 1, ScanChoice.OneBit, out long? rescored));
        Assert.Null(rescored);
        Assert.Equal(RandomVectors.Exact([new VectorSource(segment)], query, 5)[4].Score, hits[4].Score, 1e-5f);
    }

    [Fact]
    public void Search_SectionOfAnyContent_IsRefusedOrAnswersExactScores()
    {
        // The vectors decide: whatever stands in the codes, a score that comes back is the vector's own.
        var random = new Random(2);
        float[][] vectors = [.. Many(random, 1100, 64)];
        int refused = 0;
        for (int round = 0; round < 120; round++)
        {
            using var store = new MemoryIndexStore();
            try
            {
                VectorSegment segment = Changed(store, vectors, 64, (_, bytes) => Spoilt(random, bytes));
                float[] query = RandomVectors.Isotropic(random, 64);
                var hits = new VectorHit[10];
                VectorSource[] sources = [new(segment)];
                int count = VectorSearch.Search(sources, query, hits, 2, ScanChoice.OneBit, out _);
                float[] unit = Unit(query);
                Assert.All(hits[..count], hit => Assert.Equal(TensorPrimitives.Dot(unit, segment.Vector(hit.Row)), hit.Score, 1e-5f));
            }
            catch (RagException e)
            {
                Assert.Equal(RagError.IndexCorrupt, e.Error);
                refused++;
            }
        }

        Assert.InRange(refused, 20, 119);
    }

    [Fact]
    public void Search_CodesAreDamagedOnTheVolume_IsRefused()
    {
        using var folder = new TempFolder();
        string path = folder.File("v.coach");
        float[][] vectors = [.. Many(new Random(3), 1500, 64)];
        using (var store = new FileIndexStore(path))
        {
            RandomVectors.Segment(store, vectors, 64);
        }

        byte[] bytes = File.ReadAllBytes(path);
        int at = bytes.AsSpan().IndexOf("BIT1"u8);
        Assert.True(at > 0);
        bytes[at + 17_000] ^= 4;
        File.WriteAllBytes(path, bytes);
        using var damaged = new FileIndexStore(path);
        using IndexCommitReader snapshot = damaged.Acquire();
        VectorSource[] sources = [new(VectorSegment.Open(snapshot.Segments[0], "v")!)];
        RagException e = Assert.Throws<RagException>(
            () => VectorSearch.Search(sources, vectors[0], new VectorHit[5], 1, ScanChoice.OneBit, out _));
        Assert.Equal(RagError.IndexCorrupt, e.Error);
        Assert.Contains(nameof(SectionKind.DenseBits), e.Message, StringComparison.Ordinal);
        Assert.Equal(5, VectorSearch.Search(sources, vectors[0], new VectorHit[5], 1, ScanChoice.Exact, out _));
    }

    internal static VectorSegment WithSeed(MemoryIndexStore store, float[][] vectors, ulong seed)
    {
        float[][] units = [.. vectors.Select(Unit)];
        return Changed(store, vectors, vectors[0].Length, (write, _) =>
            write(new OneBitWriter(units.Length, units[0].Length, row => units[row], seed).Write));
    }

    private static byte[] Spoilt(Random random, byte[] bytes)
    {
        switch (random.Next(4))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                bytes[random.Next(24)] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                random.NextBytes(bytes.AsSpan(64));
                return bytes;
            default:
                MemoryMarshal.Cast<byte, float>(bytes.AsSpan(64))[random.Next(60)] = random.Next(2) == 0 ? float.NaN : float.MaxValue;
                return bytes;
        }
    }

    // A segment whose section of codes is another one, or none.
    private static VectorSegment Changed(
        MemoryIndexStore store, IEnumerable<float[]> vectors, int dimension, Func<Func<Action<SectionWriter>, byte[]>, byte[], byte[]?> change)
    {
        RandomVectors.Segment(store, vectors, dimension);
        using IndexCommitReader before = store.Acquire();
        var payload = new SegmentPayload();
        foreach (IndexSection section in before.Segments[^1].Sections)
        {
            byte[]? bytes = section.Span.ToArray();
            bytes = section.Kind == SectionKind.DenseBits ? change(Written, bytes) : bytes;
            if (bytes is not null)
            {
                payload.Add(section.Kind, bytes);
            }
        }

        store.Commit(new IndexChange { Add = [payload] }, default);
        using IndexCommitReader after = store.Acquire();
        return VectorSegment.Open(after.Segments[^1], store.Name)!;
    }

    private static byte[] Written(Action<SectionWriter> write)
    {
        using var store = new MemoryIndexStore();
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.DenseBits, write)] }, default);
        using IndexCommitReader snapshot = store.Acquire();
        return snapshot.Segments[0].Sections[0].Span.ToArray();
    }

    private static (float Estimate, float Factor) Estimate(OneBitCodes codes, OneBitQuery query, int row)
    {
        ReadOnlySpan<byte> block = codes.Slice(row / 64, 1);
        float factor = MemoryMarshal.Cast<byte, float>(block)[row % 64];
        int sum = 0;
        for (int line = 0; line < codes.Lines; line++)
        {
            byte signs = block[256 + (64 * line) + (row % 64)];
            sum += query.Tables[(32 * line) + (signs & 15)] + query.Tables[(32 * line) + 16 + (signs >> 4)];
        }

        return (((query.Step * sum) + query.Offset) * factor, factor);
    }

    private static IEnumerable<float[]> Vectors(string kind, Random random, int count, int dimension) => kind switch
    {
        "isotropic" => Many(random, count, dimension),
        "clustered" => RandomVectors.Clustered(random, count, dimension, clusters: 20, spread: 0.4f),
        // What all have in common is most of each.
        "shifted" => Many(random, count, dimension).Select(vector => vector.Select(value => value + 1).ToArray()),
        "one of each" => Enumerable.Range(0, count).Select(i => Enumerable.Range(0, dimension).Select(j => j == i % dimension ? 1f : 0).ToArray()),
        "zeros and ones" => Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, dimension).Select(_ => (float)random.Next(2)).ToArray()),
        _ => Many(random, count, dimension).Select(vector => vector.Select(value => value > 1.5 ? value : 0).ToArray()),
    };

    private static IEnumerable<float[]> Many(Random random, int count, int dimension) =>
        Enumerable.Range(0, count).Select(_ => RandomVectors.Isotropic(random, dimension));

    private static float[] Unit(float[] vector)
    {
        var unit = new float[vector.Length];
        VectorQuantizer.Normalize(vector, unit);
        return unit;
    }
}
