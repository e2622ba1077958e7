using System.Buffers.Binary;
using Coach.Abstractions;
using Coach.Rag.Store;
using Coach.Testing;

namespace Coach.Rag.Tests.Indexing;

/// <summary>An index whose file cannot be used, or is gone.</summary>
public sealed class IndexOpenerTests
{
    [Fact]
    public async Task RetrieveAsync_PathIsAFolder_MemoryServesAndSaysSo()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.File("k.coach"));
        await using var host = new RagHost(rag => rag.UseIndexFile(folder.File("k.coach")), o => o.Learn = false);
        await AssertInMemoryAsync(host, "'k.coach'");
    }

    [Fact]
    public async Task IndexFile_AndItsNewFolder_AreTheirOwnersAlone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file modes.");
        using var folder = new TempFolder();
        string inside = Path.Combine(folder.Path, "new", "deeper");
        string file = Path.Combine(inside, "k.coach");
        await using (var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false))
        {
            await host.Knowledge.AddOrUpdateAsync(
                [new("a", "Cats purr.")], cancellationToken: TestContext.Current.CancellationToken);
        }

        const UnixFileMode File = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(File, new FileInfo(file).UnixFileMode);
        Assert.Equal(File | UnixFileMode.UserExecute, new DirectoryInfo(inside).UnixFileMode);
    }

    [Fact]
    public async Task RetrieveAsync_FileOfANewerFormat_IsLeftAloneAndMemoryServesAndSaysSo()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using (var writer = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false))
        {
            await writer.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")], cancellationToken: TestContext.Current.CancellationToken);
        }

        byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[8] = 4;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(60), Crc32C.Compute(bytes.AsSpan(0, 60)));
        await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
        await using (var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false))
        {
            await AssertInMemoryAsync(host, "format version 4; this version of Coach.Rag reads version 3");
        }

        Assert.Equal(bytes, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        Assert.False(File.Exists(file + ".damaged"));
    }

    [Fact]
    public async Task RetrieveAsync_FileIsReplacedByANewerFormatWhileOpen_IsLeftAloneAndWhatWasServedIsServed()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")], cancellationToken: TestContext.Current.CancellationToken);
        byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[8] = 4;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(60), Crc32C.Compute(bytes.AsSpan(0, 60)));
        await File.WriteAllBytesAsync(file + ".x", bytes, TestContext.Current.CancellationToken);
        File.Move(file + ".x", file, overwrite: true);
        await Assert.ThrowsAsync<RagException>(() => host.Knowledge.AddOrUpdateAsync([new("b", "Dogs bark.")]));
        Assert.Single((await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken)).Passages);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task SyncAsync_FileWasDeletedWhileOpen_IsWrittenAnewWithAllThatIsNew()
    {
        using var folder = new TempFolder();
        string documents = Directory.CreateDirectory(folder.File("k")).FullName, file = folder.File("k.coach");
        await File.WriteAllTextAsync(Path.Combine(documents, "a.txt"), "The pump alpha turns.", TestContext.Current.CancellationToken);
        var clock = new VirtualClock();
        await using var host = new RagHost(rag => rag.WithSource(documents).UseIndexFile(file), o => o.Learn = false, clock);
        await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        File.Delete(file);
        clock.Advance(TimeSpan.FromSeconds(1));
        ComponentReport health = await host.Get<IComponentHealth>().CheckAsync();
        health = await host.Get<IComponentHealth>().CheckAsync();
        Assert.Equal(ComponentState.Degraded, health.State);
        Assert.Contains("vanished", health.Description, StringComparison.Ordinal);
        await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(File.Exists(file));
        File.Delete(file);
        await File.WriteAllTextAsync(Path.Combine(documents, "b.txt"), "The valve beta opens.", TestContext.Current.CancellationToken);
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Added);
        Assert.Equal(ComponentState.Healthy, (await host.Get<IComponentHealth>().CheckAsync()).State);
        await using var reopened = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false);
        Assert.Equal(2, reopened.Knowledge.DocumentCount);
    }

    private static async Task AssertInMemoryAsync(RagHost host, string why)
    {
        Retrieval empty = await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(DegradationReason.IndexUnavailable, empty.Degradation!.Reason);
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")], cancellationToken: TestContext.Current.CancellationToken);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Single(retrieval.Passages);
        Assert.Equal((DegradationReason.IndexUnavailable, true), (retrieval.Degradation!.Reason, retrieval.Degradation.IsFailure));
        ComponentReport health = await host.Get<IComponentHealth>().CheckAsync();
        Assert.Equal(ComponentState.Degraded, health.State);
        foreach (string text in new[] { retrieval.Degradation.Message, health.Description! })
        {
            Assert.Contains(why, text, StringComparison.Ordinal);
            Assert.Contains("kept in memory", text, StringComparison.Ordinal);
        }
    }
}
