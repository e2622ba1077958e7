using Coach.Payments.Idempotency;
using Coach.Testing;

namespace Coach.Payments.Tests.Idempotency;

/// <summary>Settled records leave memory and stay within reach: by every name, in every list, after restarts and
/// damage.</summary>
public sealed class RecordArchiveTests : IDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new();

    private string Journal => _folder.File("payments.journal");

    private string Segment => Journal + ".archive-00001";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SettledOrders_PastTheKeptOnes_AreArchivedAndFoundByEveryName()
    {
        using FileIdempotencyStore store = Open();
        List<PaymentRecord> paid = await SellAsync(store, 500);
        await CheckAsync(store, paid);

        Assert.True(new FileInfo(Segment).Length > 50_000);
        Assert.Equal((0, 0, 0), await CountsAsync(store));
    }

    [Fact]
    public async Task Open_WithAnArchive_HasEverythingAndKeepsTheContract()
    {
        List<PaymentRecord> paid;
        using (FileIdempotencyStore store = Open())
        {
            paid = await SellAsync(store, 500);
        }

        using FileIdempotencyStore again = Open();
        await CheckAsync(again, paid);
        PaymentRecord old = paid[0];
        IdempotencyClaim same = await again.ClaimAsync(old, Lease);
        IdempotencyClaim other = await again.ClaimAsync(
            old with { RequestHash = IdempotencyStoreContract.NewRecord(1).RequestHash }, Lease);

        Assert.Equal((ClaimOutcome.Completed, ClaimOutcome.Conflict), (same.Outcome, other.Outcome));
        foreach (string name in IdempotencyStoreContract.Names.Where(name => name.StartsWith("Query_Facts", StringComparison.Ordinal)))
        {
            await IdempotencyStoreContract.RunAsync(name, again, time =>
            {
                _clock.Advance(time);
                return Task.CompletedTask;
            });
        }
    }

    [Fact]
    public async Task Update_OfAnArchivedRecord_BringsItBackAndItsOldVersionIsNeverSeenAgain()
    {
        List<PaymentRecord> paid;
        PaymentRecord refunded;
        using (FileIdempotencyStore store = Open())
        {
            paid = await SellAsync(store, 500);
            PaymentRecord old = (await store.FindAsync(paid[0].Tag))!;
            LinkPayment row = old.Payments[0] with { ChargeRefundedMinorUnits = 300, ChargeSeenAt = _clock.GetUtcNow() };
            refunded = (await store.TryUpdateAsync(old with { Payments = [row], Facts = [NewFact()] }))!;
            Assert.Null(await store.TryUpdateAsync(old));
            Assert.Equal((1, 0, 0), await CountsAsync(store));
        }

        using (FileIdempotencyStore store = Open())
        {
            Assert.Equal(refunded.Version, (await store.FindByLinkAsync(refunded.LinkId!))!.Version);
            Assert.Equal(
                refunded.Tag,
                Assert.Single(await store.QueryAsync(new PaymentRecordQuery(PaymentRecordFilter.PendingFacts, 10))).Tag);
            Assert.Single(await AllAsync(store), record => record.Tag == refunded.Tag);

            // The host has the fact: it settles, and goes to the archive again.
            PaymentRecord done = (await store.TryUpdateAsync((await store.FindAsync(refunded.Tag))! with
            {
                Facts = [NewFact() with { State = PaymentFactState.Confirmed }],
            }))!;
            await SellAsync(store, 500, first: 500);
            Assert.Equal(done.Version, (await store.FindByPaymentAsync(done.Payments[0].ChargeId!))!.Version);
        }

        using FileIdempotencyStore last = Open();
        Assert.Equal(300, (await last.FindAsync(refunded.Tag))!.Payments[0].RefundedMinorUnits);
        Assert.Equal(1_000, (await AllAsync(last)).Count);
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("torn")]
    [InlineData("flipped")]
    [InlineData("grown")]
    public async Task Open_IndexLostOrDamaged_IsMadeAnewFromTheData(string damage)
    {
        List<PaymentRecord> paid;
        using (FileIdempotencyStore store = Open())
        {
            paid = await SellAsync(store, 500);
        }

        byte[] index = File.ReadAllBytes(Segment + ".index");
        switch (damage)
        {
            case "lost":
                File.Delete(Segment + ".index");
                break;
            case "torn":
                File.WriteAllBytes(Segment + ".index", index[..^13]);
                break;
            case "flipped":
                index[index.Length / 2] ^= 1;
                File.WriteAllBytes(Segment + ".index", index);
                break;
            default:
                File.WriteAllBytes(Segment + ".index", [.. index, 1, 2, 3]);
                break;
        }

        using (FileIdempotencyStore again = Open())
        {
            await CheckAsync(again, paid);
            await SellAsync(again, 120, first: 500);
        }

        using FileIdempotencyStore last = Open();
        Assert.Equal(index.Length, File.ReadAllBytes(Segment + ".index").AsSpan(0, index.Length).Length);
        Assert.Equal(620, (await AllAsync(last)).Count);
    }

    [Fact]
    public async Task Open_DataFlippedUnderAGoodIndex_SaysSoAndNeverAnswersFromIt()
    {
        List<PaymentRecord> paid;
        using (FileIdempotencyStore store = Open())
        {
            paid = await SellAsync(store, 500);
        }

        byte[] data = File.ReadAllBytes(Segment);
        int at = data.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(paid[0].LinkId!));
        data[at + 8] ^= 1;
        File.WriteAllBytes(Segment, data);
        using FileIdempotencyStore again = Open();

        InvalidDataException damaged =
            await Assert.ThrowsAsync<InvalidDataException>(async () => await again.FindAsync(paid[0].Tag));
        Assert.Contains("is damaged at byte", damaged.Message, StringComparison.Ordinal);
        Assert.NotNull(await again.FindAsync(paid[1].Tag));
    }

    [Fact]
    public async Task Open_AfterAKillBetweenArchiveAndJournal_HasEachRecordOnce()
    {
        byte[] journal = [];
        List<PaymentRecord> paid;
        using (FileIdempotencyStore store = Open())
        {
            paid = await SellAsync(store, 460);
            journal = ReadShared(Journal);
            paid.AddRange(await SellAsync(store, 40, first: 460));
        }

        // The journal as it was before it let go of anything; the archive as it was after.
        File.WriteAllBytes(Journal, journal);
        using FileIdempotencyStore again = Open();
        List<PaymentRecord> all = await AllAsync(again);

        Assert.Equal(all.Count, all.DistinctBy(record => record.Tag).Count());
        await CheckAsync(again, paid[..460]);
    }

    [Fact]
    public async Task Prune_ForgetsArchivedRecordsAndTheirFilesGo()
    {
        using (FileIdempotencyStore store = Open())
        {
            await SellAsync(store, 500);
            _clock.Advance(TimeSpan.FromDays(10));
            PaymentRecord recent = (await SellAsync(store, 1, first: 500))[0];
            int pruned = await store.PruneAsync(TimeSpan.FromDays(5));

            Assert.InRange(pruned, 500, 1_000);
            Assert.Equal(recent.Tag, Assert.Single(await AllAsync(store)).Tag);
            Assert.False(File.Exists(Segment));
            Assert.False(File.Exists(Segment + ".index"));
            await SellAsync(store, 500, first: 1_000);
        }

        using FileIdempotencyStore again = Open();
        Assert.Equal(501, (await AllAsync(again)).Count);
    }

    [Fact]
    public async Task Owner_WithArchivedAndLiveRecords_IsListedNewestFirst()
    {
        using FileIdempotencyStore store = Open();
        List<PaymentRecord> paid = await SellAsync(store, 500, owner: i => i % 10 == 0 ? "ann" : "others");
        var query = new PaymentRecordQuery(PaymentRecordFilter.OfOwner, 1000) { Owner = "ann" };
        IReadOnlyList<PaymentRecord> found = await store.QueryAsync(query);
        IReadOnlyList<PaymentRecord> three = await store.QueryAsync(query with { Limit = 3 });

        Assert.Equal(50, found.Count);
        Assert.Equal(found.Select(r => r.CreatedAt), found.Select(r => r.CreatedAt).OrderDescending());
        Assert.Equal(found.Take(3).Select(r => r.Tag), three.Select(r => r.Tag));
        Assert.Equal(
            paid.Where((_, i) => i % 10 == 0).Select(r => r.Tag).Order(StringComparer.Ordinal),
            found.Select(r => r.Tag).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task FeesThatAreNotKnown_AreAskedForInTheArchiveToo()
    {
        using FileIdempotencyStore store = Open();
        List<PaymentRecord> paid = await SellAsync(store, 500);
        var query = new PaymentRecordQuery(PaymentRecordFilter.FeeUnknown, 1_000);
        Assert.Equal(500, (await store.QueryAsync(query)).Count);
        PaymentRecord described = (await store.FindAsync(paid[0].Tag))!;
        await store.TryUpdateAsync(described with { Payments = [described.Payments[0] with { FeeMinorUnits = 66 }] });

        Assert.Equal(499, (await store.QueryAsync(query)).Count);
        Assert.Empty(await store.QueryAsync(query with { Before = _clock.GetUtcNow().AddDays(1) }));
    }

    [Fact]
    public async Task MaxRecords_CountsWhatIsNotSettled_AndNothingSettledIsForgotten()
    {
        using var store = new FileIdempotencyStore(Journal, _clock, maxRecords: 10);
        List<PaymentRecord> paid = await SellAsync(store, 50);
        await CheckAsync(store, paid);
        for (int i = 0; i < 10; i++)
        {
            await store.ClaimAsync(IdempotencyStoreContract.NewRecord(), Lease);
        }

        StoreFullException full = await Assert.ThrowsAsync<StoreFullException>(
            async () => await store.ClaimAsync(IdempotencyStoreContract.NewRecord(), Lease));
        Assert.Contains("raise Coach:Payments:MaxRecords", full.Message, StringComparison.Ordinal);
    }

    private FileIdempotencyStore Open() => new(new QuickDisk(Journal), _clock, keptSettled: 256);

    private async Task CheckAsync(FileIdempotencyStore store, List<PaymentRecord> paid)
    {
        foreach (PaymentRecord record in paid.Where((_, i) => i % 17 == 0 || i > paid.Count - 3))
        {
            Assert.Equal(Text(record), Text((await store.FindAsync(record.Tag))!));
            Assert.Equal(record.Tag, (await store.FindByLinkAsync(record.LinkId!))!.Tag);
            Assert.Equal(record.Tag, (await store.FindByPaymentAsync(record.Payments[0].PaymentIntentId!))!.Tag);
            Assert.Equal(record.Tag, (await store.FindByPaymentAsync(record.Payments[0].ChargeId!))!.Tag);
        }

        Assert.Null(await store.FindAsync(new string('f', 40)));
        Assert.Null(await store.FindByLinkAsync("plink_nobody"));
        Assert.Null(await store.FindByPaymentAsync("pi_nobody"));
        List<PaymentRecord> all = await AllAsync(store);
        Assert.Equal(paid.Select(r => r.Tag).Order(StringComparer.Ordinal), all.Select(r => r.Tag));
    }

    private static async Task<List<PaymentRecord>> AllAsync(FileIdempotencyStore store)
    {
        var all = new List<PaymentRecord>();
        while (true)
        {
            IReadOnlyList<PaymentRecord> page = await store.QueryAsync(
                new PaymentRecordQuery(PaymentRecordFilter.All, 70) { AfterTag = all.Count == 0 ? null : all[^1].Tag });
            all.AddRange(page);
            if (page.Count < 70)
            {
                return all;
            }
        }
    }

    private static async Task<(int Pending, int Dead, int Open)> CountsAsync(FileIdempotencyStore store)
    {
        PaymentRecordCounts counts = await store.CountAsync();
        return (counts.PendingFacts, counts.DeadFacts, counts.Open);
    }

    private async Task<List<PaymentRecord>> SellAsync(
        FileIdempotencyStore store, int count, int first = 0, Func<int, string>? owner = null)
    {
        var paid = new List<PaymentRecord>();
        for (int i = first; i < first + count; i++)
        {
            string tag = Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(BitConverter.GetBytes(i)));
            PaymentRecord proposed = IdempotencyStoreContract.NewRecord(tag: tag);
            proposed = owner is null
                ? proposed
                : proposed with { Request = proposed.Request with { Owner = owner(i) } };
            PaymentRecord record = (await store.ClaimAsync(proposed, Lease)).Record;
            paid.Add((await store.TryUpdateAsync(record with
            {
                State = PaymentRecordState.Completed,
                Status = PaymentStatus.Succeeded,
                LinkId = $"plink_{tag[..20]}",
                Url = new Uri($"https://buy.stripe.com/{tag[..12]}"),
                Gateway = "stripe",
                LeaseExpiresAt = null,
                Payments =
                [
                    new LinkPayment
                    {
                        SessionId = $"cs_{i}",
                        PaymentIntentId = $"pi_{i}",
                        ChargeId = $"ch_{i}",
                        Status = PaymentStatus.Succeeded,
                        MinorUnits = 1250,
                        Currency = "usd",
                        PaidAt = _clock.GetUtcNow(),
                    },
                ],
                Facts = [NewFact() with { State = PaymentFactState.Confirmed }],
            }))!);
            if (i % 50 == 0)
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
            }
        }

        return paid;
    }

    private static PaymentFactEntry NewFact() => new()
    {
        Kind = PaymentFactKind.Paid,
        Subject = "cs_1",
        MinorUnits = 1250,
        At = DateTimeOffset.UnixEpoch,
    };

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = new MemoryStream();
        file.CopyTo(copy);
        return copy.ToArray();
    }

    private static string Text(PaymentRecord record) =>
        System.Text.Encoding.UTF8.GetString(PaymentRecordSerializer.Serialize(record));

    // What is tested is not the disk.
    private sealed class QuickDisk(string path) : JournalFile(path)
    {
        public override void Flush()
        {
        }
    }
}
