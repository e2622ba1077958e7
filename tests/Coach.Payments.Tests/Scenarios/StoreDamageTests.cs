using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>Journals as a kill, a loss of power or a bad disk leaves them.</summary>
public sealed class StoreDamageTests : IDisposable
{
    // Thousands of files, each flushed: what they prove does not depend on the disk, whose flushes may take long.
    private readonly TempFolder _folder = new(inMemory: true);

    private readonly VirtualClock _clock = new();

    private string Journal => _folder.File("payments.journal");

    [Fact]
    public async Task Open_AfterAKillAtAnyByte_HasEveryWriteBeforeIt()
    {
        var lengths = new List<(long Length, string State)>();
        using (FileIdempotencyStore store = Open())
        {
            for (int i = 0; i < 2; i++)
            {
                PaymentRecord record = IdempotencyStoreContract.NewRecord(100 + i, new string((char)('a' + i), 40));
                record = (await store.ClaimAsync(record, TimeSpan.FromMinutes(1))).Record;
                lengths.Add((store.JournalLength, await DescribeAsync(store)));
                record = (await store.TryUpdateAsync(record with { State = PaymentRecordState.LinkSent }))!;
                lengths.Add((store.JournalLength, await DescribeAsync(store)));
                await store.TryUpdateAsync(
                    record with
                    { State = PaymentRecordState.Completed, LinkId = $"plink_{i}", Url = new Uri("https://buy.stripe.com/x") });
                lengths.Add((store.JournalLength, await DescribeAsync(store)));
                await store.TryAddEventAsync($"evt_{i}");
                lengths.Add((store.JournalLength, await DescribeAsync(store)));
            }
        }

        byte[] whole = await File.ReadAllBytesAsync(Journal);
        string copy = _folder.File("copy.journal");
        for (int cut = 0; cut <= whole.Length; cut++)
        {
            // Every other time as it is while the journal is open: with reserved space behind.
            await File.WriteAllBytesAsync(copy, cut % 2 == 0 ? whole[..cut] : [.. whole[..cut], .. new byte[5000]]);
            using var store = new FileIdempotencyStore(copy, _clock);
            string expected = lengths.LastOrDefault(entry => entry.Length <= cut).State ?? "";
            Assert.Equal(expected, await DescribeAsync(store));
            Assert.True(cut % 15 > 0 || await store.TryAddEventAsync("evt_after"));
        }
    }

    [Fact]
    public async Task Open_TornTail_IsCutOffAndWrittenOver()
    {
        using (FileIdempotencyStore store = Open())
        {
            await store.TryAddEventAsync("evt_1");
        }

        await File.AppendAllTextAsync(Journal, "CPJ2 torn");
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
        long firstFrame;
        using (FileIdempotencyStore store = Open())
        {
            await store.TryAddEventAsync("evt_1");
            firstFrame = store.JournalLength;
            await PromiseAsync(store);
            await store.TryAddEventAsync("evt_2");
        }

        byte[] whole = await File.ReadAllBytesAsync(Journal);
        for (int bit = 0; bit < firstFrame * 8; bit++)
        {
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(Journal, damaged);
            InvalidDataException exception = Assert.Throws<InvalidDataException>(() => Open().Dispose());
            Assert.Contains("damaged at byte 0", exception.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Open_PagesOfTheTailLostOutOfOrder_EndsWhereTheyBeganUnlessTheyHadBeenPromised(bool isPromised)
    {
        PaymentRecord one = IdempotencyStoreContract.NewRecord(tag: new string('a', 40));
        PaymentRecord two = IdempotencyStoreContract.NewRecord(tag: new string('b', 40));
        long start;
        using (FileIdempotencyStore store = Open())
        {
            await store.TryAddEventAsync("evt_0");
            start = store.JournalLength;
            await store.ClaimAsync(one, TimeSpan.FromMinutes(1));
            await store.ClaimAsync(two, TimeSpan.FromMinutes(1));
            if (isPromised)
            {
                await PromiseAsync(store);
                await store.TryAddEventAsync("evt_2");
            }
        }

        // The page with the first claim never reached the disk, those after it did.
        byte[] whole = await File.ReadAllBytesAsync(Journal);
        whole.AsSpan((int)start, 100).Clear();
        await File.WriteAllBytesAsync(Journal, whole);
        if (isPromised)
        {
            Assert.Throws<InvalidDataException>(Open);
            return;
        }

        using FileIdempotencyStore after = Open();
        Assert.True(await after.HasEventAsync("evt_0"));
        Assert.Null(await after.FindAsync(one.Tag));
        Assert.Null(await after.FindAsync(two.Tag));
        Assert.Equal(ClaimOutcome.Claimed, (await after.ClaimAsync(one, TimeSpan.FromMinutes(1))).Outcome);
    }

    public void Dispose() => _folder.Dispose();

    private FileIdempotencyStore Open() => new(Journal, _clock);

    // A link is about to be asked for: all that was written so far is on disk before this returns.
    private static async Task PromiseAsync(FileIdempotencyStore store)
    {
        IdempotencyClaim claim =
            await store.ClaimAsync(IdempotencyStoreContract.NewRecord(tag: new string('p', 40)), TimeSpan.FromMinutes(1));
        Assert.NotNull(await store.TryUpdateAsync(claim.Record with { State = PaymentRecordState.LinkSent }));
    }

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
}
