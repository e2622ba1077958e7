using Coach.Testing;
using Microsoft.Extensions.Hosting;

namespace Coach.Rag.Tests.Indexing;

public sealed class TextEraserTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private string Index => _folder.File("k.coach");

    [Fact]
    public async Task CompactAsync_DeletedAndReplacedText_IsGoneFromTheFile()
    {
        await using RagHost host = Host();
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 50).Select(i => new KnowledgeDocument($"d{i}", $"Secret{i}word stands here in document {i}.")), cancellationToken: Token);
        await host.Knowledge.RemoveAsync(["d7"], Token);
        await host.Knowledge.AddOrUpdateAsync([new("d8", "Something else.")], cancellationToken: Token);
        Assert.True(Holds("Secret7word") && Holds("Secret8word"));
        await host.Knowledge.CompactAsync(Token);
        Assert.False(Holds("Secret7word") || Holds("Secret8word") || Holds("secret7word") || Holds("secret8word"));
        Assert.True(Holds("Secret9word"));
        Assert.Equal(49, host.Knowledge.DocumentCount);
        Assert.Equal("d9", Assert.Single((await host.Retriever.RetrieveAsync("secret9word", cancellationToken: Token)).Passages).DocumentId);
    }

    [Fact]
    public async Task SyncAsync_MostFilesAreDeleted_TheirTextIsErasedWithTheNextLook()
    {
        string docs = Directory.CreateDirectory(_folder.File("docs")).FullName;
        for (int i = 0; i < 400; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(docs, $"{i}.md"), $"# Part {i}\n\nSecret{i}word is said here, with more words around it.", Token);
        }

        await using RagHost host = Host(rag => rag.WithSource(docs));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        for (int i = 0; i < 390; i++)
        {
            File.Delete(Path.Combine(docs, $"{i}.md"));
        }

        Assert.Equal(390, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Removed);
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.DoesNotContain(Enumerable.Range(0, 390), i => Holds($"Secret{i}word"));
        Assert.All(Enumerable.Range(390, 10), i => Assert.True(Holds($"Secret{i}word")));
        Assert.Equal(10, host.Knowledge.DocumentCount);
    }

    [Fact]
    public async Task SyncAsync_OneFileIsDeleted_ItsTextIsErasedAfterTheTime()
    {
        string docs = Directory.CreateDirectory(_folder.File("docs")).FullName;
        for (int i = 0; i < 100; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(docs, $"{i}.md"), $"Secret{i}word is said here, with more words around it.", Token);
        }

        var clock = new VirtualClock();
        await using RagHost host = Host(rag => rag.WithSource(docs), clock);
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        File.Delete(Path.Combine(docs, "5.md"));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        clock.Advance(TimeSpan.FromHours(2));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.True(Holds("Secret5word"));
        clock.Advance(TimeSpan.FromHours(22));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.False(Holds("Secret5word"));

        // Nothing is dead now: the file is left alone.
        DateTime written = File.GetLastWriteTimeUtc(Index);
        clock.Advance(TimeSpan.FromDays(3));
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Index));
    }

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RagHost Host(Action<CoachRagBuilder>? build = null, TimeProvider? time = null) => new(build, o => (o.IndexFile, o.Learn) = (Index, false), time);

    private bool Holds(string text) => IndexFileText.Holds(Index, text);
}
