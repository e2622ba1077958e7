using System.Buffers;

namespace Coach.Rag.Vectors;

/// <summary>
/// The scan on several threads: each takes the next range of rows until none is left, and keeps its own best.
/// </summary>
internal sealed class ParallelVectorScan
{
    private readonly VectorSource[] _sources;
    private readonly sbyte[] _query;
    private readonly int _querySum;
    private readonly int _capacity;
    private readonly long _ranges;
    private readonly (VectorHit[] Heap, int Count)[] _found;
    private long _next = -1;

    private ParallelVectorScan(
        ReadOnlySpan<VectorSource> sources, ReadOnlySpan<sbyte> query, int querySum, int threads, int capacity)
    {
        _sources = sources.ToArray();
        _query = query.ToArray();
        _querySum = querySum;
        _capacity = capacity;
        _found = new (VectorHit[], int)[threads];
        foreach (VectorSource source in _sources)
        {
            _ranges += Ranges(source);
        }
    }

    public static void Run(ReadOnlySpan<VectorSource> sources, ReadOnlySpan<sbyte> query, int querySum, int threads,
        ref TopKCandidates best)
    {
        var scan = new ParallelVectorScan(sources, query, querySum, threads, best.Capacity);
        var helpers = new Task[threads - 1];
        for (int i = 0; i < helpers.Length; i++)
        {
            int number = i + 1;
            helpers[i] = Task.Run(() => scan.Work(number));
        }

        try
        {
            scan.Work(0);
        }
        finally
        {
            // Helpers that have not started run here and find nothing left.
            Task.WaitAll(helpers);
        }

        foreach ((VectorHit[]? heap, int count) in scan._found)
        {
            if (heap is null)
            {
                continue;
            }

            foreach (VectorHit hit in heap.AsSpan(0, count))
            {
                best.Offer(hit);
            }

            ArrayPool<VectorHit>.Shared.Return(heap);
        }
    }

    private static int Ranges(in VectorSource source) =>
        (source.Segment.Rows + VectorScan.RangeRows - 1) / VectorScan.RangeRows;

    private void Work(int number)
    {
        long range = Interlocked.Increment(ref _next);
        if (range >= _ranges)
        {
            return;
        }

        VectorHit[] heap = ArrayPool<VectorHit>.Shared.Rent(_capacity);
        var best = new TopKCandidates(heap.AsSpan(0, _capacity));
        for (; range < _ranges; range = Interlocked.Increment(ref _next))
        {
            long left = range;
            int source = 0;
            while (left >= Ranges(_sources[source]))
            {
                left -= Ranges(_sources[source++]);
            }

            int first = (int)left * VectorScan.RangeRows;
            int count = Math.Min(VectorScan.RangeRows, _sources[source].Segment.Rows - first);
            VectorScan.Run(_sources[source], source, first, count, _query, _querySum, ref best);
        }

        _found[number] = (heap, best.Count);
    }
}
