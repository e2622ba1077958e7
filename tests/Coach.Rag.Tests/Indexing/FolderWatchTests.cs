using Coach.Rag.Indexing;

namespace Coach.Rag.Tests.Indexing;

public sealed class FolderWatchTests
{
    [Fact]
    public async Task Changed_FileIsWritten_Ends()
    {
        using var folder = new TempFolder();
        using var watch = new FolderWatch([folder.Path, folder.File("no-such-folder")]);
        await File.WriteAllTextAsync(folder.File("a.md"), "x", TestContext.Current.CancellationToken);
        await watch.Changed.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        watch.Reset();
    }
}
