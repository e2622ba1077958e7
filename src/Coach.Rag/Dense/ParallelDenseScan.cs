using System.Buffers;

namespace Coach.Rag;

/// <summary>The scan on several threads: each takes the next range of rows until none is left, and keeps its own best.</summary>
internal sealed class ParallelDenseScan
{
    private readonly DenseSource[] _sources;
    private readonly sbyte[] _query;
    private readonly int _querySum;
    private readonly int _capacity;
    private readonly long _ranges;
    private readonly (DenseHit[] Heap, int Count)[] _found;
    private long _next = -1;

    private ParallelDenseScan(ReadOnlySpan<DenseSource> sources, ReadOnlySpan<sbyte> query, int querySum, int threads, int capacity)
    {
        _sources = sources.ToArray();
        _query = query.ToArray();
        _querySum = querySum;
        _capacity = capacity;
        _found = new (DenseHit[], int)[threads];
        foreach (DenseSource source in _sources)
        {
            _ranges += Ranges(source);
        }
    }

    public static void Run(ReadOnlySpan<DenseSource> sources, ReadOnlySpan<sbyte> query, int querySum, int threads, ref DenseCandidates best)
    {
        var scan = new ParallelDenseScan(sources, query, querySum, threads, best.Capacity);
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

        foreach ((DenseHit[]? heap, int count) in scan._found)
        {
            if (heap is null)
            {
                continue;
            }

            foreach (DenseHit hit in heap.AsSpan(0, count))
            {
                best.Offer(hit);
            }

            ArrayPool<DenseHit>.Shared.Return(heap);
        }
    }

    private static int Ranges(in DenseSource source) => (source.Segment.Rows + DenseScan.RangeRows - 1) / DenseScan.RangeRows;

    private void Work(int number)
    {
        long range = Interlocked.Increment(ref _next);
        if (range >= _ranges)
        {
            return;
        }

        DenseHit[] heap = ArrayPool<DenseHit>.Shared.Rent(_capacity);
        var best = new DenseCandidates(heap.AsSpan(0, _capacity));
        for (; range < _ranges; range = Interlocked.Increment(ref _next))
        {
            long left = range;
            int source = 0;
            while (left >= Ranges(_sources[source]))
            {
                left -= Ranges(_sources[source++]);
            }

            int first = (int)left * DenseScan.RangeRows;
            int count = Math.Min(DenseScan.RangeRows, _sources[source].Segment.Rows - first);
            DenseScan.Run(_sources[source], source, first, count, _query, _querySum, ref best);
        }

        _found[number] = (heap, best.Count);
    }
}
