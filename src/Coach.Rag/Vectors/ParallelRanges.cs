namespace Coach.Rag.Vectors;

/// <summary>Work on ranges of rows by several threads: each takes the next range until none is left.</summary>
internal static class ParallelRanges
{
    /// <summary>Does all ranges, on the caller's thread and on helpers.</summary>
    /// <param name="threads">The most threads, the caller's included.</param>
    /// <param name="ranges">How many ranges there are.</param>
    /// <param name="work">Does one, given the thread's number and the range's.</param>
    public static void Run(int threads, int ranges, Action<int, int> work)
    {
        int next = -1;
        var helpers = new Task[Math.Min(threads, ranges) - 1];
        for (int i = 0; i < helpers.Length; i++)
        {
            int number = i + 1;
            helpers[i] = Task.Run(() => TakeAll(number));
        }

        try
        {
            TakeAll(0);
        }
        finally
        {
            // Helpers that have not started run here and find nothing left.
            Task.WaitAll(helpers);
        }

        void TakeAll(int number)
        {
            for (int range; (range = Interlocked.Increment(ref next)) < ranges;)
            {
                work(number, range);
            }
        }
    }
}
