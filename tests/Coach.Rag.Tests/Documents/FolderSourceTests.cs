using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Coach.Rag.Documents;
using Coach.Testing;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests.Documents;

public sealed class FolderSourceTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task SyncAsync_ConfigMapVolume_IsReadOnceUnderItsShownNames()
    {
        Write("..2026_11/cap.md", "# Cap\n\nThe numbat eats termites.");
        Directory.CreateSymbolicLink(_folder.File("..data"), "..2026_11");
        File.CreateSymbolicLink(_folder.File("cap.md"), Path.Combine("..data", "cap.md"));
        await using RagHost host = Host();
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Added);
        Assert.Equal("cap.md", Assert.Single((await host.Retriever.RetrieveAsync("numbat", cancellationToken: Token)).Passages).Source);

        // An update of the volume swaps the link.
        Write("..2026_12/cap.md", "# Cap\n\nThe quokka eats leaves.");
        File.Delete(_folder.File("..data"));
        Directory.CreateSymbolicLink(_folder.File("..data"), "..2026_12");
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Updated);
        Assert.NotEmpty((await host.Retriever.RetrieveAsync("quokka", cancellationToken: Token)).Passages);
    }

    [Fact]
    public async Task SyncAsync_Links_AreFollowedWithinTheFolderOnly()
    {
        using var other = new TempFolder();
        await File.WriteAllTextAsync(other.File("secret.md"), "A secret wombat.", Token);
        Write("real/a.md", "A real wombat.");
        Write("guide/b.md", "A guided wombat.");
        Directory.CreateSymbolicLink(_folder.File("alias"), "real");
        Directory.CreateSymbolicLink(_folder.File("guide/up"), "..");
        Directory.CreateSymbolicLink(_folder.File("out"), other.Path);
        File.CreateSymbolicLink(_folder.File("out.md"), other.File("secret.md"));
        File.CreateSymbolicLink(_folder.File("loop1.md"), "loop2.md");
        File.CreateSymbolicLink(_folder.File("loop2.md"), "loop1.md");
        File.CreateSymbolicLink(_folder.File("dead.md"), "nothing.md");
        await using RagHost host = Host();
        IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal(3, report.Added);      // real/a.md, guide/b.md, alias/a.md
        Assert.Empty(report.Failed);
        KnowledgeAccount account = host.Knowledge.Account;
        Assert.Equal((3, 2, 4), (account.Read, account.SkippedBy[DocumentRefusal.LinkOutside], account.SkippedBy[DocumentRefusal.LinkLoop]));
        Assert.DoesNotContain((await host.Retriever.RetrieveAsync("wombat", cancellationToken: Token)).Passages, passage => passage.Text.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SyncAsync_FolderThatIsALink_IsRead()
    {
        Write("real/a.md", "A real wombat.");
        string link = _folder.File("link");
        Directory.CreateSymbolicLink(link, "real");
        await using var host = new RagHost(rag => rag.WithSource(link), o => o.Learn = false);
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Added);
    }

    [Fact]
    public async Task SyncAsync_PipeSocketAndEmptyFile_AreNeverOpened()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there are no named pipes in Windows' folders");
        Write("a.md", "A real wombat.");
        Write("empty.md", "");
        using (Process make = Process.Start("mkfifo", [_folder.File("pipe.md")]))
        {
            await make.WaitForExitAsync(Token);
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder.File("socket.md")));
        File.CreateSymbolicLink(_folder.File("zero.md"), "/dev/zero");
        await using RagHost host = Host();
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Added);
        KnowledgeAccount account = host.Knowledge.Account;
        Assert.Equal(1, account.SkippedBy[DocumentRefusal.LinkOutside]);
        string[] skipped = [.. account.Skipped.Select(each => each.Id)];
        Assert.Contains("pipe.md", skipped);
        Assert.Contains("socket.md", skipped);
        Assert.Contains("empty.md", skipped);
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal((2, 1), (account.SkippedBy[DocumentRefusal.NotAFile], account.SkippedBy[DocumentRefusal.Empty]));
        }
    }

    [Fact]
    public async Task SyncAsync_EverythingThatIsNotRead_IsCountedAndLogged()
    {
        Write("bin/a.md", "Bins are read.");
        Write("obj/b.md", "So are these.");
        Write("node_modules/c.md", "Not this.");
        Write(".git/d.md", "Nor this.");
        Write("index.html.en.utf8", "<p>Read by its ending.</p>");
        Write("page", "<!doctype html><p>Read by its content.</p>");
        Write("README", "Read as text.");
        Write("x.png", "\u0089PNG\u0001");
        Write("y.png", "\u0089PNG\u0001");
        Write("z.bin", "\u0001\u0002");
        File.WriteAllBytes(_folder.File("noise.md"), [0, 1, 2, 3, 0]);
        File.WriteAllBytes(_folder.File("old.txt"), [.. "Caf"u8, 0xE9]);
        var logs = new FakeLogCollector();
        await using var host = new RagHost(rag => rag.WithSource(_folder.Path), o => o.Learn = false, logs: logs);
        for (int round = 0; round < 3; round++)
        {
            await host.Knowledge.SyncAsync(cancellationToken: Token);
            KnowledgeAccount account = host.Knowledge.Account;
            Assert.Equal((6, 5, 1), (account.Read, account.SkippedCount, account.FailedCount));
            Assert.Equal((2, 1), (account.Kinds[".png"], account.Kinds[".bin"]));
            Assert.Equal((1, 1, 3), (account.SkippedBy[DocumentRefusal.Excluded], account.SkippedBy[DocumentRefusal.Hidden], account.SkippedBy[DocumentRefusal.NoReader]));
            Assert.Equal(1, account.FailedBy[DocumentRefusal.Binary]);
            Assert.Equal(("old.txt", "The document declares no encoding and is not UTF-8; read as windows-1252."), (Assert.Single(account.Guessed).Id, account.Guessed[0].Reason));
        }

        Assert.Equal("Of the knowledge sources 6 documents are read; 5 are left out (NoReader 3, Excluded 1, Hidden 1; without a reader: .png 2, .bin 1), "
            + "1 failed (Binary 1), 1 are read by a guess", Assert.Single(logs.GetSnapshot(), record => record.Id.Id == 3017).Message);
    }

    [Theory]
    [InlineData("*.md", "a.md,x/b.md", "c.txt,x/d.html")]
    [InlineData("/x/**", "x/b.md,x/d.html", "a.md,c.txt")]
    [InlineData("x/*.md", "x/b.md", "a.md,c.txt,x/d.html")]
    [InlineData("[ab].*", "a.md,x/b.md", "c.txt,x/d.html")]
    [InlineData("?.txt", "c.txt", "a.md,x/b.md,x/d.html")]
    public async Task SyncAsync_Include_TakesWhatMatches(string pattern, string taken, string left)
    {
        WriteFour();
        await using RagHost host = Host(o => o.Include.Add(pattern));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal(left.Split(',').Order(), host.Knowledge.Account.Skipped.Select(each => each.Id).Order());
        Assert.Equal(taken.Split(',').Length, host.Knowledge.Account.Read);
    }

    [Theory]
    [InlineData("x/", "x/")]
    [InlineData("*.md,!a.md", "x/b.md")]
    [InlineData("**/d.html", "x/d.html")]
    [InlineData("x/**,!x/b.md", "x/d.html")]
    [InlineData("!node_modules/", "")]
    [InlineData("# a comment", "")]
    public async Task SyncAsync_Exclude_LeavesOutWhatMatches(string patterns, string left)
    {
        WriteFour();
        await using RagHost host = Host(o => patterns.Split(',').ToList().ForEach(o.Exclude.Add));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal(left.Split(',', StringSplitOptions.RemoveEmptyEntries).Order(), host.Knowledge.Account.Skipped.Select(each => each.Id).Order());
    }

    [Fact]
    public async Task SyncAsync_SameSizeAndTimesOtherContent_IsNoticedWithinTheInterval()
    {
        var clock = new VirtualClock();
        string path = Write("a.md", "The wombat digs.");
        DateTime time = File.GetLastWriteTimeUtc(path);
        await using var host = new RagHost(rag => rag.WithSource(_folder.Path), o => (o.Learn, o.ContentCheckInterval) = (false, TimeSpan.FromMinutes(10)), clock);
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        await using (FileStream file = new(path, FileMode.Open, FileAccess.Write))      // in place, as rsync --inplace -t
        {
            await file.WriteAsync(Encoding.UTF8.GetBytes("The quokka digs."), Token);
        }

        File.SetLastWriteTimeUtc(path, time);
        Assert.Equal(0, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Updated);
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Updated);
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal((0, 1), (await host.Knowledge.SyncAsync(cancellationToken: Token)) is var report ? (report.Updated, report.Unchanged) : default);
    }

    [Fact]
    public async Task ListAsync_ManyFiles_ChecksEachOnceAnInterval()
    {
        for (int i = 0; i < 200; i++)
        {
            Write($"{i}.md", "x");
        }

        var clock = new VirtualClock();
        FolderSource source = Folders.Source(_folder.Path, new CoachRagOptions { ContentCheckInterval = TimeSpan.FromMinutes(10) }, clock);
        var checks = new Dictionary<string, int>();
        for (int round = 0; round < 121; round++)
        {
            await foreach (SourceItem item in source.ListAsync(Token))
            {
                checks[item.Id] = checks.GetValueOrDefault(item.Id) + (item.IsRecheck ? 1 : 0);
            }

            clock.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.All(checks.Values, count => Assert.Equal(1, count));
    }

    [Fact]
    public async Task SyncAsync_CaseOnlyRenameAndAtomicReplace_AreFollowed()
    {
        string path = Write("a.md", "The wombat digs.");
        await using RagHost host = Host();
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        string next = Write("next", "The quokka digs.");
        File.Move(next, path, overwrite: true);
        File.Move(path, _folder.File("A.md"));
        IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal((1, 1), (report.Added, report.Removed));
        Assert.Equal("A.md", Assert.Single((await host.Retriever.RetrieveAsync("quokka", cancellationToken: Token)).Passages).Source);
    }

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RagHost Host(Action<CoachRagOptions>? configure = null) => new(rag => rag.WithSource(_folder.Path), options =>
    {
        options.Learn = false;
        configure?.Invoke(options);
    });

    private void WriteFour()
    {
        Write("a.md", "One.");
        Write("x/b.md", "Two.");
        Write("c.txt", "Three.");
        Write("x/d.html", "<p>Four.");
    }

    private string Write(string name, string text)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
