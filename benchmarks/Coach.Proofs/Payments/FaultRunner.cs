using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Coach.Proofs.Payments;

/// <summary>
/// Runs schedules in processes of their own, one schedule at a time in each, so that a quiet thread pool means a schedule that waits.
/// </summary>
internal static class FaultRunner
{
    public const string WorkerName = "payment-faults-worker";

    private static readonly JsonSerializerOptions Json = new() { PreferredObjectCreationHandling = System.Text.Json.Serialization.JsonObjectCreationHandling.Populate };

    /// <summary>Runs schedules and adds them up.</summary>
    /// <param name="seed">Which schedules.</param>
    /// <param name="first">The first one's number.</param>
    /// <param name="schedules">How many.</param>
    /// <param name="threads">Threads of each process's pool: with one, the same seed gives the same run anywhere.</param>
    /// <param name="worker">How to start a worker, less its four numbers.</param>
    /// <param name="ended">Told of each schedule that ended.</param>
    public static async Task<FaultResult> RunAsync(int seed, int first, int schedules, int threads, Func<ProcessStartInfo> worker, Action? ended = null)
    {
        var total = new FaultResult();
        int workers = Math.Clamp(Environment.ProcessorCount / threads, 1, schedules);
        await Task.WhenAll(Enumerable.Range(0, workers).Select(number => Task.Run(() => RunOne(number))));
        return total;

        void RunOne(int number)
        {
            ProcessStartInfo start = worker();
            start.RedirectStandardOutput = true;
            foreach ((string name, string value) in VirtualTimeDriver.Environment(threads))
            {
                start.Environment[name] = value;
            }

            int[] numbers = [seed, first + number, (schedules - number + workers - 1) / workers, workers];
            Array.ForEach(numbers, value => start.ArgumentList.Add(value.ToString(CultureInfo.InvariantCulture)));
            using Process process = Process.Start(start)!;
            int answers = 0;
            while (process.StandardOutput.ReadLine() is { } line)
            {
                if (!line.StartsWith('{'))
                {
                    continue;
                }

                answers++;
                lock (total)
                {
                    total.Add(JsonSerializer.Deserialize<FaultResult>(line, Json)!);
                    ended?.Invoke();
                }
            }

            process.WaitForExit();
            if (answers != numbers[2])
            {
                throw new InvalidOperationException($"A worker ended with {process.ExitCode} after {answers} of {numbers[2]} schedules.");
            }
        }
    }

    /// <summary>The worker: one line of JSON for each schedule.</summary>
    public static async Task<int> WorkAsync(int seed, int first, int schedules, int step)
    {
        string folder = Directory.CreateTempSubdirectory("coach-faults-").FullName;
        try
        {
            // From here on everything happens on the pool.
            await Task.Yield();
            for (int i = 0; i < schedules; i++)
            {
                Console.WriteLine(JsonSerializer.Serialize(await FaultSchedule.RunAsync(seed, first + (i * step), folder), Json));
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
