using System.Buffers.Binary;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Tests;

/// <summary>A file that breaks under a running app, and before its start.</summary>
public sealed class IndexRecoveryTests
{
    private static readonly KnowledgeDocument Cats = new("cats", "Cats purr and eat mice.");
    private static readonly KnowledgeDocument Dogs = new("dogs", "Dogs bark at the mailman.");

    [Fact]
    public async Task RetrieveAsync_NewestCommitBreaksUnderARunningHost_LastGoodCommitAnswersAndSourcesBringTheRestBack()
    {
        using var folder = new TempFolder();
        string file = await WriteTwoCommitsAsync(folder);
        var documents = new List<KnowledgeDocument> { Cats, Dogs };
        await using var host = new RagHost(rag => rag.UseIndexFile(file).WithSource(new Listed(documents)), o => (o.RescanInterval, o.Learn) = (TimeSpan.Zero, false));
        Damage(file, commit: 2);
        Retrieval first = await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(first.FoundNothing && first.Degradation!.Reason == DegradationReason.IndexDamaged, first.ToString());
        Assert.Equal("cats", Assert.Single((await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken)).Passages).DocumentId);
        await WaitUntilAsync(async () => (await host.Retriever.RetrieveAsync("mailman")).Degradation?.Reason is not DegradationReason.IndexDamaged);
        Retrieval healed = await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("dogs", Assert.Single(healed.Passages).DocumentId);
        Assert.False(healed.Degradation!.IsFailure);
        Assert.Equal(ComponentState.Healthy, (await host.Get<IComponentHealth>().CheckAsync()).State);

        // The file is whole again.
        using var reopened = new FileIndexStore(file);
        using IndexCommitReader snapshot = reopened.AcquireLastGood(CancellationToken.None);
        using IndexCommitReader newest = reopened.Acquire();
        Assert.Equal(newest.CommitId, snapshot.CommitId);
    }

    [Fact]
    public async Task RetrieveAsync_NewestCommitBreaksWithoutSources_LastGoodCommitAnswersAndSaysSo()
    {
        using var folder = new TempFolder();
        string file = await WriteTwoCommitsAsync(folder);
        var log = new ListLogger();
        await using var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false, services: services => services.AddLogging(logging => logging.AddProvider(log)));
        using var metrics = new CounterLog("coach.rag.fallbacks");
        Damage(file, commit: 2);
        Assert.True((await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken)).FoundNothing);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("cats", Assert.Single(retrieval.Passages).DocumentId);
        Assert.Equal((RagTier.Lexical, DegradationReason.IndexDamaged, true),
            (retrieval.Tier, retrieval.Degradation!.Reason, retrieval.Degradation.IsFailure));
        Assert.Contains("'k.coach' is damaged", retrieval.Degradation.Message, StringComparison.Ordinal);
        Assert.Contains("3012 Error", log.Lines, StringComparison.Ordinal);
        Assert.Contains("IndexDamaged", log.Lines, StringComparison.Ordinal);
        Assert.Contains("reason=index_damaged", metrics.Tags, StringComparison.Ordinal);
        ComponentReport health = await host.Get<IComponentHealth>().CheckAsync();
        Assert.Equal(ComponentState.Degraded, health.State);
        Assert.Contains("damaged", health.Description, StringComparison.Ordinal);

        // What the caller brings back is kept, and ends the matter.
        await host.Knowledge.AddOrUpdateAsync([Dogs], cancellationToken: TestContext.Current.CancellationToken);
        Retrieval again = await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("dogs", Assert.Single(again.Passages).DocumentId);
        Assert.False(again.Degradation!.IsFailure);
        Assert.Equal(2, host.Knowledge.DocumentCount);
        Assert.Equal(ComponentState.Healthy, (await host.Get<IComponentHealth>().CheckAsync()).State);
    }

    [Fact]
    public async Task RetrieveAsync_EveryCommitBreaksUnderARunningHost_IsBuiltAnewFromTheSources()
    {
        using var folder = new TempFolder();
        string file = await WriteTwoCommitsAsync(folder);
        await using var host = new RagHost(
            rag => rag.UseIndexFile(file).WithSource(new Listed([Cats, Dogs])), o => (o.RescanInterval, o.Learn) = (TimeSpan.Zero, false));
        Damage(file, commit: 1);
        Damage(file, commit: 2);
        Retrieval first = await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(first.Passages.Count == 1 || first.Degradation!.IsFailure, first.ToString());
        await WaitUntilAsync(async () => (await host.Retriever.RetrieveAsync("mailman")).Passages.Count == 1);
        Assert.Equal(2, host.Knowledge.DocumentCount);
        Assert.True(File.Exists(file + ".damaged"));
    }

    [Theory]
    [InlineData("header")]
    [InlineData("record")]
    [InlineData("text")]
    public async Task RetrieveAsync_FileBrokenBeforeTheStart_AnswersFromWhatIsLeftThenFromTheSources(string where)
    {
        using var folder = new TempFolder();
        string file = await WriteTwoCommitsAsync(folder);
        switch (where)
        {
            case "header":
                Flip(file, 9);
                break;
            case "record":
                byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
                Flip(file, BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(bytes.Length - 64 + 32)));
                break;
            default:
                Damage(file, commit: 1);
                Damage(file, commit: 2);
                break;
        }

        await using var host = new RagHost(
            rag => rag.UseIndexFile(file).WithSource(new Listed([Cats, Dogs])), o => (o.RescanInterval, o.Learn) = (TimeSpan.Zero, false));
        await WaitUntilAsync(async () => (await host.Retriever.RetrieveAsync("mailman")).Passages.Count == 1);
        Assert.Equal("cats", Assert.Single((await host.Retriever.RetrieveAsync("cats")).Passages).DocumentId);
        Assert.Equal(2, host.Knowledge.DocumentCount);
    }

    [Fact]
    public async Task RetrieveAsync_SourceNeverEnds_AnswersWithinTheTimeLimit()
    {
        var clock = new VirtualClock();
        await using var host = new RagHost(rag => rag.WithSource(new Endless()), o => o.TimeLimit = TimeSpan.FromSeconds(5), clock);
        long start = clock.GetTimestamp();
        Task<Retrieval> asked = host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
        await clock.RunUntilAsync(asked, TimeSpan.FromSeconds(10));
        Assert.Equal((RagTier.None, DegradationReason.StillLoading), ((await asked).Tier, (await asked).Degradation!.Reason));
        Assert.InRange(clock.GetElapsedTime(start), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5.1));
    }

    private static async Task<string> WriteTwoCommitsAsync(TempFolder folder)
    {
        string file = folder.File("k.coach");
        await using var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([Cats]);
        await host.Knowledge.AddOrUpdateAsync([Dogs]);
        return file;
    }

    // The text of the n-th commit: it is stored as it is.
    private static void Damage(string file, int commit)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(commit == 1 ? Cats.Text : Dogs.Text));
        Assert.True(at > 0);
        Flip(file, at + 3);
    }

    private static void Flip(string file, long position)
    {
        using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = position;
        int value = stream.ReadByte();
        stream.Position = position;
        stream.WriteByte((byte)(value ^ 0x10));
    }

    // The work that is waited for runs on other threads and ends by itself.
    internal static async Task WaitUntilAsync(Func<Task<bool>> condition)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromMinutes(3), "it never came true");
            await Task.Yield();
        }
    }

    private sealed class Listed(IReadOnlyList<KnowledgeDocument> documents) : KnowledgeSource
    {
        // Documents that were added in code: a source takes them over when it lists them.
        public override string Name => "";

        public override async IAsyncEnumerable<SourceItem> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            foreach (KnowledgeDocument document in documents)
            {
                yield return new SourceItem(document.Id, _ => ValueTask.FromResult(document));
            }
        }
    }

    private sealed class Endless : KnowledgeSource
    {
        public override string Name => "endless";

        public override async IAsyncEnumerable<SourceItem> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            yield break;
        }
    }
}
