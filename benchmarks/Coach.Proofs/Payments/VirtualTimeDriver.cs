using System.Globalization;
using Coach.Testing;

namespace Coach.Proofs.Payments;

/// <summary>
/// Drives a schedule on virtual time and never waits for real time: the clock takes its next step once the thread pool has nothing left to
/// do. In a process whose pool has one thread, that also makes everything happen in the same order every time.
/// </summary>
internal static class VirtualTimeDriver
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);
    private static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(2);

    /// <summary>The environment of a process whose pool has this many threads. The runtime reads the numbers as hexadecimal.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Environment(int threads)
    {
        string number = threads.ToString("x", CultureInfo.InvariantCulture);
        yield return new("DOTNET_ThreadPool_ForceMinWorkerThreads", number);
        yield return new("DOTNET_ThreadPool_ForceMaxWorkerThreads", number);
    }

    public static async Task RunAsync(VirtualClock clock, Task task)
    {
        long start = clock.GetTimestamp();
        DateTime? idleSince = null;
        while (!task.IsCompleted)
        {
            await Task.Yield();
            if (task.IsCompleted || !IsQuiet())
            {
                continue;
            }

            if (clock.NextTimer is { } wait)
            {
                if (clock.GetTimestamp() + wait.Ticks - start > Longest.Ticks)
                {
                    throw new TimeoutException($"A schedule was still running after {Longest.TotalDays} days of its time.");
                }

                idleSince = null;
                clock.Advance(wait);
                continue;
            }

            // Nothing to do and nothing to wait for: another thread holds it, or it is stuck for good.
            idleSince ??= DateTime.UtcNow;
            if (DateTime.UtcNow - idleSince > StuckAfter)
            {
                throw new TimeoutException("A schedule waits for what never comes.");
            }

            await Task.Delay(1);
        }

        await task;
    }

    // This code runs on the pool: it is the one thread that is busy. Others may be about to find that nothing is left for them; giving
    // up this thread would only wake them again.
    private static bool IsQuiet()
    {
        for (int i = 0; i < 1000 && ThreadPool.PendingWorkItemCount == 0; i++)
        {
            ThreadPool.GetMaxThreads(out int most, out _);
            ThreadPool.GetAvailableThreads(out int free, out _);
            if (most - free <= 1)
            {
                return ThreadPool.PendingWorkItemCount == 0;
            }

            Thread.Yield();
        }

        return false;
    }
}
