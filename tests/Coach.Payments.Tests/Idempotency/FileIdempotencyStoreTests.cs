using Coach.Payments.Idempotency;
using Coach.Testing;

namespace Coach.Payments.Tests.Idempotency;

public sealed class FileIdempotencyStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new();

    private string Journal => _folder.File("payments.journal");

    [Fact]
    public async Task Flush_OnlyForWhatMustOutliveTheMachine()
    {
        var disk = new FullDisk(Journal);
        using var store = new FileIdempotencyStore(disk, _clock);
        PaymentRecord record = IdempotencyStoreContract.NewRecord();

        Assert.Equal(
            0,
            await FlushesAsync(async () => record = (await store.ClaimAsync(record, TimeSpan.FromMinutes(1))).Record));
        Assert.Equal(0, await FlushesAsync(() => UpdateAsync(record with { PriceAttempt = 2 })));
        Assert.Equal(
            1,
            await FlushesAsync(
                () => UpdateAsync(record with { State = PaymentRecordState.LinkSent, PriceId = "price_1" })));
        Assert.Equal(
            0,
            await FlushesAsync(
                () => UpdateAsync(record with { NeedsReconciliation = true, ReconciliationReason = "timed_out" })));
        Assert.Equal(
            0,
            await FlushesAsync(() => UpdateAsync(record with { State = PaymentRecordState.Started, LinkAttempt = 2 })));
        Assert.Equal(1, await FlushesAsync(() => UpdateAsync(record with { State = PaymentRecordState.LinkSent })));
        Assert.Equal(
            1,
            await FlushesAsync(
                () => UpdateAsync(record with { State = PaymentRecordState.Completed, LinkId = "plink_1" })));
        Assert.Equal(1, await FlushesAsync(() => UpdateAsync(record with { Status = PaymentStatus.Succeeded })));
        Assert.Equal(1, await FlushesAsync(() => UpdateAsync(record with { HasAmountMismatch = true })));
        Assert.Equal(0, await FlushesAsync(async () => await store.TryAddEventAsync("evt_1")));

        async Task UpdateAsync(PaymentRecord changed) => record = (await store.TryUpdateAsync(changed))!;

        async Task<int> FlushesAsync(Func<Task> write)
        {
            int before = disk.Flushes;
            await write();
            return disk.Flushes - before;
        }
    }

    [Fact]
    public async Task Dispose_WhileOthersWrite_WaitsAndEveryWriteEitherCountsOrFails()
    {
        var store = Open();
        int written = 0;
        Task[] writers = [.. Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            for (int i = 0; ; i++)
            {
                try
                {
                    await store.TryAddEventAsync($"evt_{thread}_{i}");
                }
                catch (ObjectDisposedException)
                {
                    return i;
                }

                Interlocked.Increment(ref written);
            }
        }))];
        while (Volatile.Read(ref written) < 20)
        {
            await Task.Yield();
        }

        store.Dispose();
        await Task.WhenAll(writers);
        using FileIdempotencyStore again = Open();
        for (int thread = 0; thread < 8; thread++)
        {
            int count = await (Task<int>)writers[thread];
            for (int i = 0; i < count; i++)
            {
                Assert.True(await again.HasEventAsync($"evt_{thread}_{i}"));
            }
        }
    }

    [Fact]
    public void Open_SecondTime_IsRefusedWhileTheFirstIsOpen()
    {
        using (Open())
        {
            IOException exception = Assert.Throws<IOException>(Open);
            Assert.Contains("another process has it open", exception.Message, StringComparison.Ordinal);
        }

        Open().Dispose();
    }

    [Fact]
    public async Task Open_AfterTheHolderDied_GrantsItsClaimsAtOnce()
    {
        PaymentRecord record = IdempotencyStoreContract.NewRecord();
        using (FileIdempotencyStore store = Open())
        {
            await store.ClaimAsync(record, TimeSpan.FromHours(1));
        }

        using FileIdempotencyStore next = Open();
        IdempotencyClaim claim = await next.ClaimAsync(record, TimeSpan.FromHours(1));
        Assert.Equal(ClaimOutcome.Claimed, claim.Outcome);
        Assert.Equal(2, claim.Record.LeaseToken);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_DiskFull_FailsTheCallAndKeepsWhatWasThere(bool leavesHalf)
    {
        var disk = new FullDisk(Journal) { LeavesHalf = leavesHalf };
        PaymentRecord record = IdempotencyStoreContract.NewRecord();
        using (var store = new FileIdempotencyStore(disk, _clock))
        {
            record = (await store.ClaimAsync(record, TimeSpan.FromMinutes(1))).Record;
            disk.IsFull = true;
            await Assert.ThrowsAsync<IOException>(
                async () => await store.TryUpdateAsync(record with { PriceId = "price_1" }));
            await Assert.ThrowsAsync<IOException>(async () => await store.TryAddEventAsync("evt_1"));
            Assert.Null((await store.FindAsync(record.Tag))!.PriceId);
            Assert.False(await store.HasEventAsync("evt_1"));
            disk.IsFull = false;
            record = (await store.FindAsync(record.Tag))!;
            Assert.NotNull(await store.TryUpdateAsync(record with { PriceId = "price_2" }));
        }

        using FileIdempotencyStore again = Open();
        Assert.Equal("price_2", (await again.FindAsync(record.Tag))!.PriceId);
    }

    [Fact]
    public async Task Write_FlushFails_CountsAsNotWritten()
    {
        var disk = new FullDisk(Journal);
        using var store = new FileIdempotencyStore(disk, _clock);
        PaymentRecord record = (await store.ClaimAsync(
            IdempotencyStoreContract.NewRecord(), TimeSpan.FromMinutes(1))).Record;
        disk.FlushFails = true;
        await Assert.ThrowsAsync<IOException>(async () =>
            await store.TryUpdateAsync(record with { State = PaymentRecordState.LinkSent }));
        disk.FlushFails = false;

        Assert.Equal(PaymentRecordState.Started, (await store.FindAsync(record.Tag))!.State);
        Assert.NotNull(await store.TryUpdateAsync(record with { State = PaymentRecordState.LinkSent }));
    }

    [Fact]
    public async Task Write_MuchHistory_RewritesTheFileAndLosesNothing()
    {
        using (FileIdempotencyStore store = new(new FullDisk(Journal) { SkipsFlush = true }, _clock))
        {
            PaymentRecord record = (
                await store.ClaimAsync(
                    IdempotencyStoreContract.NewRecord(tag: new string('a', 40)), TimeSpan.FromMinutes(1))).Record;
            await store.TryAddEventAsync("evt_1");
            for (int i = 0; i < 10_500; i++)
            {
                record = (await store.TryUpdateAsync(record with { LinkAttempt = i }))!;
            }
        }

        Assert.True(new FileInfo(Journal).Length < 1_000_000);
        Assert.False(File.Exists(Journal + ".new"));
        using FileIdempotencyStore again = Open();
        Assert.Equal(10_499, (await again.FindAsync(new string('a', 40)))!.LinkAttempt);
        Assert.True(await again.HasEventAsync("evt_1"));
    }

    [Fact]
    public async Task Write_ManyThreads_EverythingIsThereAfterReopening()
    {
        using (FileIdempotencyStore store = Open())
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
            {
                for (int i = 0; i < 50; i++)
                {
                    Assert.True(await store.TryAddEventAsync($"evt_{thread}_{i}"));
                }
            })));
        }

        using FileIdempotencyStore again = Open();
        for (int thread = 0; thread < 8; thread++)
        {
            for (int i = 0; i < 50; i++)
            {
                Assert.True(await again.HasEventAsync($"evt_{thread}_{i}"));
            }
        }
    }

    public void Dispose() => _folder.Dispose();

    private FileIdempotencyStore Open() => new(Journal, _clock);

    private sealed class FullDisk(string path) : JournalFile(path)
    {
        public bool IsFull { get; set; }

        public bool LeavesHalf { get; init; }

        public bool FlushFails { get; set; }

        public bool SkipsFlush { get; init; }

        public int Flushes { get; private set; }

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (IsFull)
            {
                base.Write(LeavesHalf ? bytes[..(bytes.Length / 2)] : [], offset);
                throw new IOException("No space left on device");
            }

            base.Write(bytes, offset);
        }

        public override void Flush()
        {
            Flushes++;
            if (FlushFails)
            {
                throw new IOException("Input/output error");
            }

            if (!SkipsFlush)
            {
                base.Flush();
            }
        }
    }
}
