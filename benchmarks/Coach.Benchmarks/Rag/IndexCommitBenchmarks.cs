using BenchmarkDotNet.Attributes;
using Coach.Rag;
using Coach.Rag.Store;

namespace Coach.Benchmarks.Rag;

/// <summary>Does a small commit cost more in a large index? (Most of it is two flushes to the device.)</summary>
[MemoryDiagnoser]
public class IndexCommitBenchmarks
{
    private readonly byte[] _new = new byte[64 * 1024];
    private string _folder = "";
    private FileIndexStore? _store;
    private long _last;

    [Params(1, 1024)]
    public int MiB { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        new Random(1).NextBytes(_new);
        _folder = Directory.CreateTempSubdirectory("coach-bench-").FullName;
        _store = new FileIndexStore(Path.Combine(_folder, "a.coach"));
        _store.Commit(new IndexChange
        {
            Add = [new SegmentPayload().Add(SectionKind.Text, writer =>
            {
                for (int i = 0; i < MiB * 16; i++)
                {
                    writer.Write(_new);
                }
            })],
        }, default);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _store?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Adds 64 KiB and removes what the commit before added.</summary>
    [Benchmark]
    public long Commit64KiB()
    {
        var payload = new SegmentPayload().Add(SectionKind.Text, _new);
        long commit = _store!.Commit(new IndexChange { Add = [payload], RemoveSegments = _last == 0 ? [] : [_last] }, default);
        _last = payload.Id;
        return commit;
    }
}
