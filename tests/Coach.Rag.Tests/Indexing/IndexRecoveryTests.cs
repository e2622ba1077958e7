using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Rag.Store;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests.Indexing;

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

    /// <summary>A reading that began before the damage was found knows nothing of it: only the next one brings back what was lost.</summary>
    [Fact]
    public async Task RetrieveAsync_DamageIsFoundWhileTheSourcesAreRead_IsToldUntilTheyHaveBeenReadAgain()
    {
        using var folder = new TempFolder();
        string file = await WriteTwoCommitsAsync(folder);
        var source = new Gated([Cats, Dogs]);
        await using var host = new RagHost(rag => rag.UseIndexFile(file).WithSource(source), o => (o.RescanInterval, o.Learn) = (TimeSpan.Zero, false));
        await host.Get<IHostedService>().StartAsync(TestContext.Current.CancellationToken);
        await source.Begun[0].Task;
        Damage(file, commit: 2);
        Retrieval first = await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(DegradationReason.IndexDamaged, first.Degradation!.Reason);
        source.Go[0].SetResult();
        await source.Begun[1].Task;
        Assert.Equal(DegradationReason.IndexDamaged, (await host.Retriever.RetrieveAsync("cats")).Degradation!.Reason);
        source.Go[1].SetResult();
        await WaitUntilAsync(async () => (await host.Retriever.RetrieveAsync("mailman")) is { Passages.Count: 1, Degradation.IsFailure: false });
    }

    [Fact]
    public async Task RetrieveAsync_NewestCommitBreaksWithoutSources_LastGoodCommitAnswersAndSaysSo()
    {
        using var folder = new TempFolder();
        string file = await WriteTwoCommitsAsync(folder);
        FakeLogCollector log = TestLogs.New();
        await using var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false, logs: log);
        using var metrics = new CounterLog("coach.rag.fallbacks");
        Damage(file, commit: 2);
        Assert.True((await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken)).FoundNothing);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("cats", Assert.Single(retrieval.Passages).DocumentId);
        Assert.Equal((RagTier.Lexical, DegradationReason.IndexDamaged, true),
            (retrieval.Tier, retrieval.Degradation!.Reason, retrieval.Degradation.IsFailure));
        Assert.Contains("'k.coach' is damaged", retrieval.Degradation.Message, StringComparison.Ordinal);
        Assert.Contains("3012 Error", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains("IndexDamaged", string.Join('\n', log.Lines()), StringComparison.Ordinal);
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

    /// <summary>Each listing says that it has begun and waits until it may go on; those after the second do not wait.</summary>
    private sealed class Gated(IReadOnlyList<KnowledgeDocument> documents) : KnowledgeSource
    {
        private int _listings;

        public TaskCompletionSource[] Begun { get; } = [NewSource(), NewSource()];

        public TaskCompletionSource[] Go { get; } = [NewSource(), NewSource()];

        public override string Name => "gated";

        public override async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            int listing = _listings++;
            if (listing < Go.Length)
            {
                Begun[listing].SetResult();
                await Go[listing].Task.WaitAsync(cancellationToken);
            }

            foreach (KnowledgeDocument document in documents)
            {
                yield return new SourceItem(document.Id, _ => ValueTask.FromResult(document));
            }
        }

        private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
