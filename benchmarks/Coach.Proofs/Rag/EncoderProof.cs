using System.CommandLine;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json;
using Coach.Rag.Embeddings;
using Coach.Rag.Embeddings.Encoders;
using Coach.Rag.MiniLM;

namespace Coach.Proofs.Rag;

/// <summary>
/// The packaged encoder against ONNX Runtime on the same weights: passages a second, a question's time, memory, and the
/// cosine of its vectors to those of 32-bit arithmetic.
/// </summary>
internal static class EncoderProof
{
    private const int PassageTokens = 214;
    private const int Questions = 60;
    private const string Question = "How is an API key checked without spending tokens?";

    public static Command Command()
    {
        var peer = new Option<string>("--peer") { Description = "onnx: run ONNX Runtime on the same passages (fetches its package, 160 MB).", DefaultValueFactory = _ => "none" };
        peer.AcceptOnlyFromAmong("none", "onnx");
        var passages = new Option<int>("--passages") { Description = "How many passages of 214 tokens.", DefaultValueFactory = _ => 100 };
        var folder = new Option<DirectoryInfo>("--texts") { Description = "A folder of Markdown files that the passages are cut from.", DefaultValueFactory = _ => new DirectoryInfo("docs") };
        var threads = new Option<int[]>("--threads") { Description = "Numbers of threads.", DefaultValueFactory = _ => [1, 2], AllowMultipleArgumentsPerToken = true };
        var reference = new Option<FileInfo?>("--reference") { Description = "Only: give the texts of this JSON file the vectors of ONNX Runtime in 32 bits, for the tests." };
        var command = new Command("encoder", "Measure the packaged encoder, on its own or against ONNX Runtime.") { peer, passages, folder, threads, reference };
        command.SetAction((parsed, cancellationToken) => parsed.GetValue(reference) is { } file
            ? WriteReferenceAsync(file.FullName, cancellationToken)
            : RunAsync(parsed.GetValue(folder)!, parsed.GetValue(passages), parsed.GetValue(threads)!, parsed.GetValue(peer) == "onnx", cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo folder, int count, int[] threads, bool hasPeer, CancellationToken cancellationToken)
    {
        double before = ResidentMb();
        var clock = Stopwatch.StartNew();
        using EncoderEmbeddingGenerator first = MiniLMModel.Open(1);
        await first.GenerateAsync([Question], null, cancellationToken);
        double start = clock.Elapsed.TotalMilliseconds;
        for (int i = 0; i < Questions; i++)
        {
            await first.GenerateAsync([Question], null, cancellationToken);
        }

        // The processor's second pass over the code is the compiled one; the median of what follows is a question's time.
        double question = await MedianAsync(() => first.GenerateAsync([Question], null, cancellationToken));
        double questionMb = ResidentMb() - before;
        int[][] passages = PassagesOf(first.Model, folder, count);
        string tokens = Path.GetTempFileName(), vectors = Path.GetTempFileName();
        WriteTokens(tokens, [.. passages, first.Model.Encode(Question)]);
        var rows = new List<object>();
        float[][] own = [];
        foreach (int number in threads)
        {
            var workers = new EncoderWorkers(first.Model, number);
            await workers.RunAsync(passages[..Math.Min(8, count)], cancellationToken);
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            clock.Restart();
            own = await workers.RunAsync(passages, cancellationToken);
            double seconds = clock.Elapsed.TotalSeconds;
            double cpuMs = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / count;
            double batchMb = ResidentMb() - before;
            Peer? peer = hasPeer ? await PeerAsync(tokens, "int8", number, vectors, cancellationToken) : null;
            rows.Add(new
            {
                threads = number,
                passagesPerSecond = Math.Round(count / seconds, 1),
                cpuMsPerPassage = Math.Round(cpuMs, 1),
                batchMb = Math.Round(batchMb, 1),
                peerPassagesPerSecond = peer is null ? (double?)null : Math.Round((count + 1) / peer.Seconds, 1),
                peerCpuMsPerPassage = peer is null ? (double?)null : Math.Round(peer.CpuSeconds * 1000 / (count + 1), 1),
                ratio = peer is null ? (double?)null : Math.Round(count / seconds / ((count + 1) / peer.Seconds), 2),
                peerQuestionMs = peer is null ? (double?)null : Math.Round(peer.QuestionMs, 2),
                peerMb = peer is null ? (double?)null : Math.Round(peer.PeakMb, 1),
                peerStartMs = peer is null ? (double?)null : Math.Round(peer.StartSeconds * 1000),
            });
        }

        double? least = null, mean = null;
        int failed = 0;
        if (hasPeer)
        {
            await PeerAsync(tokens, "fp32", threads.Max(), vectors, cancellationToken);
            double[] cosines = CosinesTo(vectors, own);
            (least, mean) = (cosines.Min(), cosines.Average());
            failed = cosines.Count(cosine => cosine < 0.995);
        }

        File.Delete(tokens);
        File.Delete(vectors);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            cases = count,
            failed,
            kernel = EncoderKernels.Name,
            tokens = PassageTokens,
            startMs = Math.Round(start),
            questionMs = Math.Round(question, 2),
            questionMb = Math.Round(questionMb, 1),
            minCosineToFp32 = least is null ? least : Math.Round(least.Value, 5),
            meanCosineToFp32 = mean is null ? mean : Math.Round(mean.Value, 5),
            runs = rows,
        }));
        return failed == 0 ? 0 : 1;
    }

    private static async Task<int> WriteReferenceAsync(string path, CancellationToken cancellationToken)
    {
        Reference[] texts = JsonSerializer.Deserialize<Reference[]>(await File.ReadAllTextAsync(path, cancellationToken), JsonSerializerOptions.Web)!;
        using EncoderEmbeddingGenerator encoder = MiniLMModel.Open(1);
        string tokens = Path.GetTempFileName(), vectors = Path.GetTempFileName();
        WriteTokens(tokens, [.. texts.Select(text => encoder.Model.Encode(text.Text))]);
        await PeerAsync(tokens, "fp32", 1, vectors, cancellationToken);
        byte[] bytes = await File.ReadAllBytesAsync(vectors, cancellationToken);
        int length = bytes.Length / texts.Length;
        Reference[] written = [.. texts.Select((text, i) => text with { Vector = Convert.ToBase64String(bytes.AsSpan(i * length, length)) })];
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(written, JsonSerializerOptions.Web) + "\n", cancellationToken);
        Console.WriteLine(JsonSerializer.Serialize(new { cases = texts.Length, failed = 0 }));
        return 0;
    }

    // Passages of the length that a real one has, cut from running text.
    private static int[][] PassagesOf(EncoderModel model, DirectoryInfo folder, int count)
    {
        var ids = new List<int>();
        foreach (FileInfo file in folder.EnumerateFiles("*.md", SearchOption.AllDirectories).OrderBy(file => file.FullName))
        {
            foreach (string line in File.ReadLines(file.FullName))
            {
                ids.AddRange(model.Encode(line)[1..^1]);
            }
        }

        int first = model.Encode("")[0], last = model.Encode("")[1];
        int[][] passages = [.. ids.Chunk(PassageTokens - 2).Where(chunk => chunk.Length == PassageTokens - 2).Take(count).Select(chunk => (int[])[first, .. chunk, last])];
        return passages.Length == count
            ? passages
            : throw new InvalidOperationException($"{folder.FullName} has text for {passages.Length} passages only.");
    }

    private static async Task<double> MedianAsync(Func<Task> call)
    {
        var times = new List<double>();
        for (int i = 0; i < Questions; i++)
        {
            var clock = Stopwatch.StartNew();
            await call();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        return times.Order().ElementAt(times.Count / 2);
    }

    private static async Task<Peer> PeerAsync(string tokens, string kind, int threads, string vectors, CancellationToken cancellationToken)
    {
        string project = Path.Combine(RepositoryRoot(), "benchmarks", "Coach.OnnxPeer");
        var start = new ProcessStartInfo("dotnet", ["run", "-c", "Release", "--project", project, "--", tokens, kind, $"{threads}", vectors])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        string? line = output.Split('\n').LastOrDefault(line => line.StartsWith('{'));
        return process.ExitCode == 0 && line is not null
            ? JsonSerializer.Deserialize<Peer>(line, JsonSerializerOptions.Web)!
            : throw new InvalidOperationException($"The contender ended with {process.ExitCode}.");
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Coach.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The proof runs within the repository.");
        }

        return folder.FullName;
    }

    private static void WriteTokens(string path, int[][] texts)
    {
        using var output = new BinaryWriter(File.Create(path));
        foreach (int[] text in texts)
        {
            output.Write(text.Length);
            foreach (int id in text)
            {
                output.Write(id);
            }
        }
    }

    private static double[] CosinesTo(string path, float[][] own)
    {
        using var input = new BinaryReader(File.OpenRead(path));
        var cosines = new double[own.Length];
        for (int i = 0; i < own.Length; i++)
        {
            var other = new float[own[i].Length];
            for (int j = 0; j < other.Length; j++)
            {
                other[j] = input.ReadSingle();
            }

            cosines[i] = TensorPrimitives.CosineSimilarity(own[i], other);
        }

        return cosines;
    }

    private static double ResidentMb()
    {
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64 / 1e6;
    }

    private sealed record Reference(string Text, string? Vector);

    private sealed record Peer(double Seconds, double CpuSeconds, double StartSeconds, double QuestionMs, double ResidentMb, double PeakMb);
}
