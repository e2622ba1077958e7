using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Coach.Rag;
using Coach.Rag.Diagnostics;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Benchmarks.Rag;

/// <summary>How fast is exact search, one query at a time, one thread, top 10, against a float scan and against plain reading?</summary>
[MemoryDiagnoser]
public class DenseScanBenchmarks
{
    internal const int Rows = 100_000;
    private readonly VectorHit[] _hits = new VectorHit[10];
    private readonly (float Score, int Row)[] _best = new (float, int)[10];
    private float[] _floats = [];
    private float[] _query = [];
    private VectorSource[] _all = [], _onePercent = [];
    private MemoryIndexStore _store = new();
    private IndexCommitReader? _snapshot;
    private IndexSection? _codes;

    [Params(384, 768)]
    public int Dimension { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        var builder = new VectorBuilder(Dimension);
        _floats = new float[(long)Rows * Dimension];
        var centres = new float[1000 * Dimension];
        Fill(random, centres);
        for (int row = 0; row < Rows; row++)
        {
            Span<float> vector = _floats.AsSpan(row * Dimension, Dimension);
            Fill(random, vector);
            TensorPrimitives.MultiplyAdd(vector, 0.5f, centres.AsSpan(random.Next(1000) * Dimension, Dimension), vector);
            TensorPrimitives.Divide(vector, TensorPrimitives.Norm(vector), vector);
            builder.Add(vector);
        }

        _query = new float[Dimension];
        Fill(random, _query);
        TensorPrimitives.MultiplyAdd(_query, 0.5f, centres.AsSpan(0, Dimension), _query);
        TensorPrimitives.Divide(_query, TensorPrimitives.Norm(_query), _query);
        _store = new MemoryIndexStore();
        var payload = new SegmentPayload();
        builder.AddTo(payload);
        _store.Commit(new IndexChange { Add = [payload] }, default);
        _snapshot = _store.Acquire();
        VectorSegment segment = VectorSegment.Open(_snapshot.Segments[0], "benchmark")!;
        _snapshot.Segments[0].TryGetSection(SectionKind.DenseCodes, out _codes);
        var filter = new byte[Rows / 8];
        for (int i = 0; i < Rows / 100; i++)
        {
            int row = random.Next(Rows);
            filter[row >> 3] |= (byte)(1 << (row & 7));
        }

        _all = [new VectorSource(segment)];
        _onePercent = [new VectorSource(segment, default, filter)];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _snapshot?.Dispose();
        _store.Dispose();
    }

    /// <summary>A dot product with every float vector, the ten best kept.</summary>
    [Benchmark(Baseline = true)]
    public float TensorPrimitivesDot()
    {
        float threshold = float.NegativeInfinity;
        int count = 0;
        ReadOnlySpan<float> query = _query;
        for (int row = 0; row < Rows; row++)
        {
            float score = TensorPrimitives.Dot(query, _floats.AsSpan(row * query.Length, query.Length));
            if (score > threshold)
            {
                int at = count < _best.Length ? count++ : count - 1;
                for (; at > 0 && _best[at - 1].Score < score; at--)
                {
                    _best[at] = _best[at - 1];
                }

                _best[at] = (score, row);
                threshold = count == _best.Length ? _best[^1].Score : threshold;
            }
        }

        return _best[0].Score;
    }

    /// <summary>Reading the same codes and nothing else: what memory can give one thread.</summary>
    [Benchmark]
    public unsafe ulong ReadTheCodes()
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        ReadOnlySpan<byte> codes = _codes!.Span;
        fixed (byte* start = codes)
        {
            byte* end = start + (codes.Length & ~255);
            for (byte* at = start; at < end; at += 256)
            {
                a += Vector512.Load((ulong*)at);
                b += Vector512.Load((ulong*)(at + 64));
                c += Vector512.Load((ulong*)(at + 128));
                d += Vector512.Load((ulong*)(at + 192));
            }
        }

        return Vector512.Sum(a + b + c + d);
    }

    [Benchmark]
    public int Coach() => VectorSearch.Search(_all, _query, _hits);

    [Benchmark]
    public int CoachTwoThreads() => VectorSearch.Search(_all, _query, _hits, threads: 2);

    [Benchmark]
    public int CoachOnePercentFilter() => VectorSearch.Search(_onePercent, _query, _hits);

    private static void Fill(Random random, Span<float> vector)
    {
        for (int i = 0; i < vector.Length; i++)
        {
            vector[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
    }
}
