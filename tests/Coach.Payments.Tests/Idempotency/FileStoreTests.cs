using Coach.Testing;

namespace Coach.Payments.Tests.Idempotency;

public sealed class FileStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coach-payments-").FullName;
    private readonly VirtualClock _clock = new();

    private string Journal => Path.Combine(_folder, "payments.journal");

    [Fact]
    public async Task Open_AfterAKillAtAnyByte_HasEveryWriteBeforeIt()
    {
        var lengths = new List<(long Length, string State)>();
        using (FileIdempotencyStore store = Open())
        {
            for (int i = 0; i < 4; i++)
            {
                PaymentRecord record = IdempotencyStoreContract.NewRecord(100 + i, new string((char)('a' + i), 40));
                record = (await store.ClaimAsync(record, TimeSpan.FromMinutes(1))).Record;
                lengths.Add((new FileInfo(Journal).Length, await DescribeAsync(store)));
                record = (await store.TryUpdateAsync(record with { State = PaymentRecordState.LinkSent }))!;
                lengths.Add((new FileInfo(Journal).Length, await DescribeAsync(store)));
                await store.TryUpdateAsync(record with { State = PaymentRecordState.Completed, LinkId = $"plink_{i}", Url = new Uri("https://buy.stripe.com/x") });
                lengths.Add((new FileInfo(Journal).Length, await DescribeAsync(store)));
                await store.TryAddEventAsync($"evt_{i}");
                lengths.Add((new FileInfo(Journal).Length, await DescribeAsync(store)));
            }
        }

        byte[] whole = await File.ReadAllBytesAsync(Journal);
        string copy = Path.Combine(_folder, "copy.journal");
        for (int cut = 0; cut <= whole.Length; cut++)
        {
            await File.WriteAllBytesAsync(copy, whole[..cut]);
            using var store = new FileIdempotencyStore(copy, _clock);
            string expected = lengths.LastOrDefault(entry => entry.Length <= cut).State ?? "";
            Assert.Equal(expected, await DescribeAsync(store));
            Assert.True(await store.TryAddEventAsync("evt_after"));
        }
    }

    [Fact]
    public async Task Open_TornTail_IsCutOffAndWrittenOver()
    {
        using (FileIdempotencyStore store = Open())
        {
            await store.TryAddEventAsync("evt_1");
        }

        await File.AppendAllTextAsync(Journal, "CPJ1 torn");
        using (FileIdempotencyStore store = Open())
        {
            Assert.True(await store.HasEventAsync("evt_1"));
            await store.TryAddEventAsync("evt_2");
        }

        using FileIdempotencyStore again = Open();
        Assert.True(await again.HasEventAsync("evt_1"));
        Assert.True(await again.HasEventAsync("evt_2"));
    }

    [Fact]
    public async Task Open_FlippedBitBeforeTheEnd_IsRefusedEverywhere()
    {
        using (FileIdempotencyStore store = Open())
        {
            await store.TryAddEventAsync("evt_1");
            await store.TryAddEventAsync("evt_2");
        }

        byte[] whole = await File.ReadAllBytesAsync(Journal);
        int firstFrame = whole.Length / 2;
        for (int bit = 0; bit < firstFrame * 8; bit++)
        {
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(Journal, damaged);
            InvalidDataException exception = Assert.Throws<InvalidDataException>(() => Open().Dispose());
            Assert.Contains("damaged at byte 0", exception.Message, StringComparison.Ordinal);
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
            await Assert.ThrowsAsync<IOException>(async () => await store.TryUpdateAsync(record with { PriceId = "price_1" }));
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
        disk.FlushFails = true;
        await Assert.ThrowsAsync<IOException>(async () => await store.TryAddEventAsync("evt_1"));
        disk.FlushFails = false;

        Assert.True(await store.TryAddEventAsync("evt_1"));
    }

    [Fact]
    public async Task Write_MuchHistory_RewritesTheFileAndLosesNothing()
    {
        using (FileIdempotencyStore store = new(new FullDisk(Journal) { SkipsFlush = true }, _clock))
        {
            PaymentRecord record = (await store.ClaimAsync(IdempotencyStoreContract.NewRecord(tag: new string('a', 40)), TimeSpan.FromMinutes(1))).Record;
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

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private FileIdempotencyStore Open() => new(Journal, _clock);

    private static async Task<string> DescribeAsync(FileIdempotencyStore store)
    {
        var lines = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            if (await store.FindAsync(new string((char)('a' + i), 40)) is { } record)
            {
                lines.Add($"{i}:{record.Version}:{record.State}:{record.LinkId}");
            }

            if (await store.HasEventAsync($"evt_{i}"))
            {
                lines.Add($"evt_{i}");
            }
        }

        return string.Join(' ', lines);
    }

    private sealed class FullDisk(string path) : JournalFile(path)
    {
        public bool IsFull { get; set; }

        public bool LeavesHalf { get; init; }

        public bool FlushFails { get; set; }

        public bool SkipsFlush { get; init; }

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
