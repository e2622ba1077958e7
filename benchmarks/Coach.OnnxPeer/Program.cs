using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Coach.MiniLmModel;
using Coach.OnnxPeer;
using Microsoft.ML.OnnxRuntime;

// usage: Coach.OnnxPeer TOKENS int8|fp32 THREADS VECTORS
// TOKENS holds, for each text, how many tokens it has and their ids; VECTORS takes the texts' embeddings.
const int BatchTokens = 2048;
int[][] texts = ReadTexts(args[0]);
int threads = int.Parse(args[2]);
string weights = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "Weights").Value!;
ReadOnlyMemory<byte> onnx = new ResourceReader(File.ReadAllBytes(weights)).Find(".onnx");
byte[] model = args[1] == "int8" ? OnnxQuantizer.Quantize(onnx) : onnx.ToArray();
onnx = default;
GC.Collect();
long before = Process.GetCurrentProcess().WorkingSet64;
var start = Stopwatch.StartNew();
using var options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
using var session = new InferenceSession(model, options);
double startSeconds = start.Elapsed.TotalSeconds;

int[] order = [.. Enumerable.Range(0, texts.Length).OrderBy(i => texts[i].Length)];
var vectors = new float[texts.Length][];
RunAll(order[^1..]);
RunAll(order[..1]);
TimeSpan cpu = Environment.CpuUsage.TotalTime;
var clock = Stopwatch.StartNew();
RunAll(order);
double seconds = clock.Elapsed.TotalSeconds, cpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;

// One text alone, the shortest: a question.
var questions = new List<double>();
for (int i = 0; i < 60; i++)
{
    clock.Restart();
    RunAll(order[..1]);
    questions.Add(clock.Elapsed.TotalMilliseconds);
}

using (var output = new BinaryWriter(File.Create(args[3])))
{
    foreach (float value in vectors.SelectMany(vector => vector))
    {
        output.Write(value);
    }
}

Process process = Process.GetCurrentProcess();
Console.WriteLine(JsonSerializer.Serialize(new
{
    seconds,
    cpuSeconds,
    startSeconds,
    questionMs = questions.Order().ElementAt(questions.Count / 2),
    residentMb = (process.WorkingSet64 - before) / 1e6,
    peakMb = (process.PeakWorkingSet64 - before) / 1e6,
}));

void RunAll(int[] chosen)
{
    for (int first = 0; first < chosen.Length;)
    {
        int count = 1;
        while (first + count < chosen.Length && texts[chosen[first + count]].Length * (count + 1) <= BatchTokens)
        {
            count++;
        }

        Run(chosen.AsSpan(first, count).ToArray());
        first += count;
    }
}

void Run(int[] batch)
{
    int length = batch.Max(i => texts[i].Length);
    long[] shape = [batch.Length, length];
    var ids = new long[batch.Length * length];
    var mask = new long[ids.Length];
    for (int i = 0; i < batch.Length; i++)
    {
        for (int j = 0; j < texts[batch[i]].Length; j++)
        {
            ids[(i * length) + j] = texts[batch[i]][j];
            mask[(i * length) + j] = 1;
        }
    }

    using var idValue = OrtValue.CreateTensorValueFromMemory(ids, shape);
    using var maskValue = OrtValue.CreateTensorValueFromMemory(mask, shape);
    using var typeValue = OrtValue.CreateTensorValueFromMemory(new long[ids.Length], shape);
    var inputs = new Dictionary<string, OrtValue> { ["input_ids"] = idValue, ["attention_mask"] = maskValue, ["token_type_ids"] = typeValue };
    using var run = new RunOptions();
    using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, inputs, [session.OutputNames[0]]);
    ReadOnlySpan<float> hidden = results[0].GetTensorDataAsSpan<float>();
    int size = hidden.Length / ids.Length;
    for (int i = 0; i < batch.Length; i++)
    {
        var mean = new float[size];
        for (int j = 0; j < texts[batch[i]].Length; j++)
        {
            for (int k = 0; k < size; k++)
            {
                mean[k] += hidden[(((i * length) + j) * size) + k];
            }
        }

        float norm = MathF.Sqrt(mean.Sum(value => value * value));
        vectors[batch[i]] = [.. mean.Select(value => value / norm)];
    }
}

static int[][] ReadTexts(string path)
{
    var texts = new List<int[]>();
    using var input = new BinaryReader(File.OpenRead(path));
    while (input.BaseStream.Position < input.BaseStream.Length)
    {
        var ids = new int[input.ReadInt32()];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = input.ReadInt32();
        }

        texts.Add(ids);
    }

    return [.. texts];
}
