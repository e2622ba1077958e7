using BenchmarkDotNet.Attributes;
using Coach.Rag;
using Coach.Rag.Store;

namespace Coach.Benchmarks.Rag;

/// <summary>Does opening an index take longer when it is larger?</summary>
[MemoryDiagnoser]
public class IndexOpenBenchmarks
{
    private string _folder = "";
    private string _path = "";

    [Params(1, 1024)]
    public int MiB { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _folder = Directory.CreateTempSubdirectory("coach-bench-").FullName;
        _path = Path.Combine(_folder, "a.coach");
        using var store = new FileIndexStore(_path);
        var block = new byte[1 << 20];
        new Random(1).NextBytes(block);
        for (int segment = 0; segment < 8; segment++)
        {
            store.Commit(new IndexChange
            {
                Add = [new SegmentPayload().Add(SectionKind.Text, writer =>
                {
                    for (long written = 0; written < (long)MiB << 17; written += 1 << 17)
                    {
                        writer.Write(block.AsSpan(0, 1 << 17));
                    }
                }).Add(SectionKind.Postings, block.AsMemory(0, 100))],
                Manifest = new byte[1000],
            }, default);
        }
    }

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(_folder, recursive: true);

    /// <summary>Opening, taking the newest commit, reading one byte of each segment.</summary>
    [Benchmark]
    public int OpenAndTouch()
    {
        using var store = new FileIndexStore(_path);
        using IndexCommitReader snapshot = store.Acquire();
        int sum = 0;
        foreach (IndexSegment segment in snapshot.Segments)
        {
            sum += segment.TryGetSection(SectionKind.Text, out IndexSection? text) ? text.Slice(text.Length / 2, 1)[0] : 0;
        }

        return sum;
    }

    /// <summary>What a reader pays when it looks for newer commits and finds none.</summary>
    [Benchmark]
    public long AcquireWithALook() => AcquireOnce(_eager ??= new FileIndexStore(_path, new IndexFileOptions { RefreshInterval = TimeSpan.Zero }));

    /// <summary>What a reader pays within the refresh interval.</summary>
    [Benchmark(Baseline = true)]
    public long Acquire() => AcquireOnce(_lazy ??= new FileIndexStore(_path, new IndexFileOptions { RefreshInterval = TimeSpan.FromHours(1) }));

    private FileIndexStore? _eager, _lazy;

    private static long AcquireOnce(FileIndexStore store)
    {
        using IndexCommitReader snapshot = store.Acquire();
        return snapshot.CommitId;
    }
}
