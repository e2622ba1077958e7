using BenchmarkDotNet.Attributes;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Win32.SafeHandles;

namespace Coach.Benchmarks.Payments;

/// <summary>
/// How many creations a second can the file store make durable? Claim, "about to send", completed: 3 writes, 2 of them flushed. The floor
/// is the same two records appended to a plain file, each with its flush, and nothing else.
/// </summary>
[MemoryDiagnoser]
public class FileStoreBenchmarks
{
    private const int PerInvoke = 200;

    private readonly string _folder = Directory.CreateTempSubdirectory("coach-bench-").FullName;
    private FileIdempotencyStore _store = null!;
    private SafeFileHandle _plain = null!;
    private byte[] _record = null!;
    private long _length;
    private int _number;

    [Params(1, 16)]
    public int Callers { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _store = new FileIdempotencyStore(Path.Combine(_folder, "payments.journal"), maxRecords: 10_000_000);
        _plain = File.OpenHandle(Path.Combine(_folder, "plain"), FileMode.Create, FileAccess.Write);
        _record = PaymentRecordSerializer.Serialize(IdempotencyStoreContract.NewRecord());
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _plain.Dispose();
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = PerInvoke)]
    public void TwoPlainAppends()
    {
        for (int i = 0; i < PerInvoke * 2; i++)
        {
            RandomAccess.Write(_plain, _record, _length);
            _length += _record.Length;
            RandomAccess.FlushToDisk(_plain);
        }
    }

    [Benchmark(OperationsPerInvoke = PerInvoke)]
    public Task Creations() => Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
    {
        for (int i = 0; i < PerInvoke / Callers; i++)
        {
            PaymentRecord record = IdempotencyStoreContract.NewRecord(tag: Interlocked.Increment(ref _number).ToString("x40", System.Globalization.CultureInfo.InvariantCulture));
            record = (await _store.ClaimAsync(record, TimeSpan.FromMinutes(1))).Record;
            record = (await _store.TryUpdateAsync(record with { State = PaymentRecordState.LinkSent, PriceId = "price_1" }))!;
            await _store.TryUpdateAsync(record with { State = PaymentRecordState.Completed, LinkId = "plink_" + record.Tag, Url = new Uri("https://buy.stripe.com/1") });
        }
    })));
}
