using System.Collections.Concurrent;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>
/// Runs texts through an encoder: sorted by length and cut into loads of at most as many tokens as the longest text may
/// have, each on one thread. Loads of all callers together take a bounded number of threads; a single text is a
/// question, and does not queue behind them.
/// </summary>
internal sealed class EncoderWorkers(EncoderModel model, int threads)
{
    private readonly TaskScheduler _threads =
        new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, threads).ConcurrentScheduler;
    private readonly ConcurrentBag<EncoderPass> _passes = [];

    /// <summary>Embeds texts.</summary>
    /// <returns>Their vectors in order.</returns>
    public async Task<float[][]> RunAsync(int[][] texts, CancellationToken cancellationToken)
    {
        var vectors = new float[texts.Length][];
        if (texts.Length == 1)
        {
            RunLoad(texts, [0], vectors);
            return vectors;
        }

        List<int[]> loads = LoadsOf(texts, model.Shape.MaxTokens);
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = threads,
            TaskScheduler = _threads,
            CancellationToken = cancellationToken,
        };
        await Parallel.ForEachAsync(loads, options, (load, _) =>
        {
            RunLoad(texts, load, vectors);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return vectors;
    }

    /// <summary>Numbers of texts, the longest first, in loads of at most so many tokens.</summary>
    internal static List<int[]> LoadsOf(int[][] texts, int most)
    {
        int[] order = [.. Enumerable.Range(0, texts.Length)];
        Array.Sort(order, (a, b) => texts[a].Length != texts[b].Length
            ? texts[b].Length.CompareTo(texts[a].Length)
            : a.CompareTo(b));
        var loads = new List<int[]>();
        for (int first = 0, last = order.Length - 1; first <= last;)
        {
            // What a long text leaves of a load is filled from the short end.
            var load = new List<int> { order[first] };
            int tokens = texts[order[first++]].Length;
            while (first <= last && tokens + texts[order[first]].Length <= most)
            {
                tokens += texts[order[first]].Length;
                load.Add(order[first++]);
            }

            while (first <= last && tokens + texts[order[last]].Length <= most)
            {
                tokens += texts[order[last]].Length;
                load.Add(order[last--]);
            }

            loads.Add([.. load]);
        }

        return loads;
    }

    private void RunLoad(int[][] texts, int[] load, float[][] vectors)
    {
        EncoderPass pass = _passes.TryTake(out EncoderPass? idle) ? idle : new EncoderPass(model);
        int[][] chosen = [.. load.Select(number => texts[number])];
        var made = new float[load.Length][];
        EncoderKernels.Run(pass, chosen, made);
        for (int i = 0; i < load.Length; i++)
        {
            vectors[load[i]] = made[i];
        }

        if (_passes.Count <= threads)
        {
            _passes.Add(pass);
        }
    }
}

/// <summary>
/// The fastest kernel that this processor has; between two that are as fast, the one with the finer inputs.
/// </summary>
internal static class EncoderKernels
{
    private delegate void Runner(EncoderPass pass, ReadOnlySpan<int[]> texts, Span<float[]> vectors);

    /// <summary>Its name.</summary>
    public static string Name => Best.Name;

    private static readonly (string Name, Runner Run) Best = Choose();

    public static void Run(EncoderPass pass, ReadOnlySpan<int[]> texts, Span<float[]> vectors) =>
        Best.Run(pass, texts, vectors);

    private static (string Name, Runner Run) Choose() =>
        Try<Avx512MatrixKernel>("avx-512")
        ?? Try<AvxVnniMatrixKernel>("avx-vnni")
        ?? Try<Avx2MatrixKernel>("avx2")
        ?? Try<ArmMatrixKernel>("arm-dot")
        ?? Try<PortableMatrixKernel>("portable")
        ?? Try<ScalarMatrixKernel>("scalar")!.Value;

    private static (string Name, Runner Run)? Try<TKernel>(string name)
        where TKernel : struct, IMatrixKernel =>
        TKernel.IsSupported ? (name, static (pass, texts, vectors) => pass.Run<TKernel>(texts, vectors)) : null;
}
