using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Proofs.Rag;

/// <summary>What a large vector index costs: opening, searching, memory. The floats stay on disk but for the rows that are rescored.</summary>
internal static class IndexScaleProof
{
    private const int RowsPerSegment = 100_000;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { DefaultValueFactory = _ => 1_000_000, Description = "How many vectors; a multiple of 100,000." };
        Option<int> dimension = new("--dimension") { DefaultValueFactory = _ => 384, Description = "Components of a vector." };
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 50, Description = "How many queries are timed." };
        var command = new Command("index-scale", "Builds a large vector index file; measures opening, search and memory.") { rows, dimension, queries };
        command.SetAction(result => Run(result.GetValue(rows), result.GetValue(dimension), result.GetValue(queries)));
        return command;
    }

    private static int Run(int rows, int dimension, int queries)
    {
        string folder = Directory.CreateTempSubdirectory("coach-scale-").FullName;
        try
        {
            string path = Path.Combine(folder, "scale.coach");
            var random = new Random(1);
            float[][] centres = [.. Enumerable.Range(0, 1000).Select(_ => Vector(random, dimension, null))];
            long from = Stopwatch.GetTimestamp();
            Build(path, rows, dimension, random, centres);
            double buildSeconds = Stopwatch.GetElapsedTime(from).TotalSeconds;
            float[][] asked = [.. Enumerable.Range(0, queries).Select(_ => Vector(random, dimension, centres[random.Next(centres.Length)]))];
            GC.Collect();
            long privateBefore = Status("VmRSS") - Status("RssFile");
            long mappedBefore = Status("RssFile");

            from = Stopwatch.GetTimestamp();
            using var store = new FileIndexStore(path);
            using IndexCommitReader snapshot = store.Acquire();
            double openMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            VectorSource[] sources = [.. snapshot.Segments.Select(segment => new VectorSource(VectorSegment.Open(segment, store.Name)!))];
            var hits = new VectorHit[10];
            from = Stopwatch.GetTimestamp();
            VectorSearch.Search(sources, asked[0], hits);
            double firstMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            var times = new List<double>();
            foreach (float[] query in asked)
            {
                from = Stopwatch.GetTimestamp();
                VectorSearch.Search(sources, query, hits);
                times.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
            }

            times.Sort();
            long codes = snapshot.Segments.Sum(segment => Length(segment, SectionKind.DenseCodes));
            long vectors = snapshot.Segments.Sum(segment => Length(segment, SectionKind.DenseVectors));
            using var stream = new MemoryStream();
            using (var json = new Utf8JsonWriter(stream))
            {
                json.WriteStartObject();
                json.WriteNumber("rows", rows);
                json.WriteNumber("dimension", dimension);
                json.WriteNumber("buildSeconds", Math.Round(buildSeconds, 1));
                json.WriteNumber("fileMB", new FileInfo(path).Length / 1_000_000);
                json.WriteNumber("openMs", Math.Round(openMs, 2));
                json.WriteNumber("firstQueryMs", Math.Round(firstMs, 1));
                json.WriteNumber("queryP50Ms", Math.Round(times[times.Count / 2], 2));
                json.WriteNumber("queryP95Ms", Math.Round(times[times.Count * 95 / 100], 2));
                json.WriteNumber("codesMB", codes / 1_000_000);
                json.WriteNumber("vectorsMB", vectors / 1_000_000);
                json.WriteNumber("mappedResidentMB", (Status("RssFile") - mappedBefore) / 1000);
                json.WriteNumber("privateGrowthMB", (Status("VmRSS") - Status("RssFile") - privateBefore) / 1000);
                json.WriteEndObject();
            }

            Console.WriteLine(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Build(string path, int rows, int dimension, Random random, float[][] centres)
    {
        using var store = new FileIndexStore(path);
        for (int done = 0; done < rows; done += RowsPerSegment)
        {
            var builder = new VectorBuilder(dimension);
            for (int i = 0; i < Math.Min(RowsPerSegment, rows - done); i++)
            {
                builder.Add(Vector(random, dimension, centres[random.Next(centres.Length)]));
            }

            var payload = new SegmentPayload();
            builder.AddTo(payload);
            store.Commit(new IndexChange { Add = [payload] }, default);
        }
    }

    private static float[] Vector(Random random, int dimension, float[]? centre)
    {
        var vector = new float[dimension];
        for (int i = 0; i < dimension; i++)
        {
            vector[i] = random.NextSingle() - 0.5f;
            vector[i] = centre is null ? vector[i] : centre[i] + (0.5f * vector[i]);
        }

        return vector;
    }

    private static long Length(IndexSegment segment, SectionKind kind) => segment.TryGetSection(kind, out IndexSection? section) ? section.Length : 0;

    // Kilobytes; 0 where the system does not tell.
    private static long Status(string name)
    {
        const string File = "/proc/self/status";
        string? line = System.IO.File.Exists(File) ? System.IO.File.ReadLines(File).FirstOrDefault(text => text.StartsWith(name + ":", StringComparison.Ordinal)) : null;
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length + 1).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture);
    }
}
