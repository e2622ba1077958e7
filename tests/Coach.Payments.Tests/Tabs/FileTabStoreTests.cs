using Coach.Payments.Idempotency;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Tests.Tabs;

/// <summary>Tabs outlive the process: what every store of tabs does, and what the file alone can meet.</summary>
public sealed class FileTabStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Journal => _folder.File("payments.journal.tabs");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TryPut_OtherVersion_ChangesNothing(bool isFile)
    {
        ITabStore store = Open(isFile);
        Tab first = (await store.TryPutAsync(NewTab("t1")))!;
        Tab second = (await store.TryPutAsync(first with { TipPercent = 10m }))!;

        Assert.Equal((1L, 2L), (first.Version, second.Version));
        Assert.Null(await store.TryPutAsync(first with { TipPercent = 20m }));
        Assert.Null(await store.TryPutAsync(NewTab("t1")));
        Assert.Null(await store.TryPutAsync(NewTab("t2") with { Version = 1 }));
        Assert.Equal(10m, (await store.FindAsync("guest", "t1"))!.TipPercent);
        Close(store);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Find_AnothersTab_IsNull(bool isFile)
    {
        ITabStore store = Open(isFile);
        await store.TryPutAsync(NewTab("t1"));

        Assert.Null(await store.FindAsync("other", "t1"));
        Assert.Null(await store.FindAsync("guest", "T1"));
        Assert.Null(await store.FindAsync("guestt1", ""));
        Close(store);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TryPut_ManyAtOnce_StoresOneOfEachVersion(bool isFile)
    {
        ITabStore store = Open(isFile);
        Tab tab = (await store.TryPutAsync(NewTab("t1")))!;
        Tab?[] stored = await Task.WhenAll(Enumerable.Range(0, 16).Select(i =>
            Task.Run(() => store.TryPutAsync(tab with { TipPercent = i }).AsTask())));

        Tab won = Assert.Single(stored, static one => one is not null)!;
        Assert.Equal(won.TipPercent, (await store.FindAsync("guest", "t1"))!.TipPercent);
        Close(store);
    }

    [Fact]
    public async Task Open_AfterARestart_HasEveryFieldOfEveryTab()
    {
        Tab written = NewTab("t1") with
        {
            Lines =
            [
                new TabLine("1", "Café ☕ \"doppio\"\u2028", Money.Create(310, "eur"), 2) { Bill = 1, IsPaid = true },
                new TabLine("2", "Nuts", Money.Create(99_999_999, "eur")) { Bill = 2 },
            ],
            Currency = "eur",
            TipPercent = 12.5m,
            Bills = 2,
            LinkId = "plink_1",
            Billed = Money.Create(99_999_999, "eur"),
        };
        using (var store = new FileTabStore(Journal))
        {
            await store.TryPutAsync(written);
            await store.TryPutAsync(NewTab("t2") with { TipAmount = Money.Create(100, "usd") });
        }

        using var again = new FileTabStore(Journal);
        Tab read = (await again.FindAsync("guest", "t1"))!;

        Assert.Equal(written.Lines, read.Lines);
        Assert.Equal(written with { Version = 1, Lines = read.Lines }, read);
        Assert.Equal(100, (await again.FindAsync("guest", "t2"))!.TipAmount!.Value.MinorUnits);
        Assert.Equal(2, (await again.TryPutAsync(read))!.Version);
    }

    [Fact]
    public async Task Open_CutAtAnyByte_HasEveryTabThatWasWhole()
    {
        var ends = new List<long>();
        using (var store = new FileTabStore(Journal))
        {
            ends.Add(store.JournalLength);
            for (int i = 0; i < 4; i++)
            {
                await store.TryPutAsync(NewTab($"t{i}"));
                ends.Add(store.JournalLength);
            }
        }

        byte[] whole = await File.ReadAllBytesAsync(Journal, TestContext.Current.CancellationToken);
        for (int cut = 0; cut <= whole.Length; cut += cut < ends[0] ? 1 : 7)
        {
            string path = _folder.File($"cut-{cut}");
            await File.WriteAllBytesAsync(path, whole[..cut], TestContext.Current.CancellationToken);
            using var store = new FileTabStore(path);
            for (int i = 0; i < 4; i++)
            {
                Assert.Equal(ends[i + 1] <= cut, await store.FindAsync("guest", $"t{i}") is not null);
            }

            Assert.NotNull(await store.TryPutAsync(NewTab("after")));
        }
    }

    [Fact]
    public async Task TryPut_DiskFull_FailsTheCallAndKeepsWhatWasThere()
    {
        var disk = new FailingDisk(Journal);
        using (var store = new FileTabStore(disk))
        {
            Tab tab = (await store.TryPutAsync(NewTab("t1")))!;
            disk.IsFull = true;
            await Assert.ThrowsAsync<IOException>(async () => await store.TryPutAsync(tab with { TipPercent = 5m }));
            Assert.Null((await store.FindAsync("guest", "t1"))!.TipPercent);
            disk.IsFull = false;
            Assert.NotNull(await store.TryPutAsync(tab with { TipPercent = 7m }));
        }

        using var again = new FileTabStore(Journal);
        Assert.Equal((7m, 2L), ((await again.FindAsync("guest", "t1"))!.TipPercent!.Value,
            (await again.FindAsync("guest", "t1"))!.Version));
    }

    [Fact]
    public async Task Tabs_WhenTheStoreIsAway_SayThatItIsTheStore()
    {
        var disk = new FailingDisk(Journal);
        using var store = new FileTabStore(disk);
        using var host = new PaymentHost(build: builder => builder.UseTabStore(_ => store));
        disk.IsFull = true;
        PaymentException refused = await Assert.ThrowsAsync<PaymentException>(() => host.Services
            .GetRequiredService<ITabs>()
            .AddLineAsync("guest", "t1", new TabLine("1", "Espresso", Money.Create(310, "usd"))));

        Assert.Equal(PaymentError.Unavailable, refused.Error);
    }

    [Theory]
    [InlineData("id,total\nt1,1250\n")]
    [InlineData("{\"tabs\":[]}")]
    public void Open_FileThatHoldsNoTabs_IsRefusedAndUntouched(string content)
    {
        File.WriteAllText(Journal, content);

        Assert.Throws<InvalidDataException>(() => new FileTabStore(Journal));
        Assert.Equal(content, File.ReadAllText(Journal));
    }

    [Fact]
    public async Task Open_TheRecordsFile_IsRefusedAndSoIsTheTabsFileForRecords()
    {
        string records = _folder.File("payments.journal");
        using (var host = new PaymentHost(configure: options => options.StorePath = records))
        {
            await host.CreateAsync();
        }

        using (var tabs = new FileTabStore(Journal))
        {
            await tabs.TryPutAsync(NewTab("t1"));
        }

        byte[] before = File.ReadAllBytes(records);
        InvalidDataException one = Assert.Throws<InvalidDataException>(() => new FileTabStore(records));
        InvalidDataException other = Assert.Throws<InvalidDataException>(() => new FileIdempotencyStore(Journal));

        Assert.Contains("holds records, not tabs", one.Message, StringComparison.Ordinal);
        Assert.Contains("holds tabs, not records", other.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(records));
    }

    [Fact]
    public void Open_WhileAnotherHasIt_SaysSo()
    {
        using var first = new FileTabStore(Journal);
        IOException refused = Assert.Throws<IOException>(() => new FileTabStore(Journal));
        Assert.Contains("another process has it open", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TryPut_MuchHistory_RewritesTheFileAndLosesNothing()
    {
        using (var store = new FileTabStore(new FailingDisk(Journal) { SkipsFlush = true }))
        {
            Tab tab = NewTab("t1");
            for (int i = 0; i < 1500; i++)
            {
                tab = (await store.TryPutAsync(tab with { TipPercent = i % 100 }))!;
            }
        }

        Assert.InRange(new FileInfo(Journal).Length, 1, 250_000);
        using var again = new FileTabStore(Journal);
        Assert.Equal(1500, (await again.FindAsync("guest", "t1"))!.Version);
    }

    [Fact]
    public async Task TryPut_AtTheLimit_TabsThatOweNothingMakeRoomAndUnpaidLinesStay()
    {
        using var store = new FileTabStore(new FailingDisk(Journal) { SkipsFlush = true }, mostTabs: 3);
        Tab paid = (await store.TryPutAsync(Paid(NewTab("paid"))))!;
        Tab back = (await store.TryPutAsync(Paid(NewTab("back"))))!;
        await store.TryPutAsync(back with { Lines = [.. back.Lines, NewTab("x").Lines[0] with { Id = "again" }] });
        await store.TryPutAsync(NewTab("unpaid"));

        Assert.NotNull(await store.TryPutAsync(NewTab("new")));
        Assert.Null(await store.FindAsync("guest", paid.Id));
        InvalidOperationException full = await Assert.ThrowsAsync<StoreFullException>(
            async () => await store.TryPutAsync(NewTab("one too many")));

        Assert.Contains("3 tabs with unpaid lines", full.Message, StringComparison.Ordinal);
        Assert.NotNull(await store.FindAsync("guest", "back"));
        Assert.NotNull(await store.FindAsync("guest", "unpaid"));
    }

    [Fact]
    public async Task Host_WithAPathForItsRecords_KeepsTabsBesideThem()
    {
        string path = _folder.File("shop/payments.journal");
        using (var host = new PaymentHost(configure: options => options.StorePath = path))
        {
            await host.Services.GetRequiredService<ITabs>()
                .AddLineAsync("guest", "t1", new TabLine("1", "Espresso", Money.Create(310, "usd")));
        }

        using var again = new PaymentHost(configure: options => options.StorePath = path);
        Tab tab = (await again.Services.GetRequiredService<ITabs>().FindAsync("guest", "t1"))!;

        Assert.Equal(310, tab.Total.MinorUnits);
        Assert.True(File.Exists(path + ".tabs"));
    }

    private ITabStore Open(bool isFile) => isFile ? new FileTabStore(Journal) : new MemoryTabStore();

    private static void Close(ITabStore store) => (store as IDisposable)?.Dispose();

    private static Tab NewTab(string id) => new()
    {
        Id = id,
        Owner = "guest",
        Currency = "usd",
        Lines = [new TabLine("1", "Espresso", Money.Create(310, "usd"))],
    };

    private static Tab Paid(Tab tab) => tab with { Lines = [.. tab.Lines.Select(line => line with { IsPaid = true })] };

    private sealed class FailingDisk(string path) : JournalFile(path)
    {
        public bool IsFull { get; set; }

        public bool SkipsFlush { get; init; }

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (IsFull)
            {
                base.Write(bytes[..(bytes.Length / 2)], offset);
                throw new IOException("No space left on device");
            }

            base.Write(bytes, offset);
        }

        public override void Flush()
        {
            if (!SkipsFlush)
            {
                base.Flush();
            }
        }
    }
}
