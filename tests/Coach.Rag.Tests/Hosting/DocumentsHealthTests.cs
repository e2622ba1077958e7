using Coach.Abstractions;
using Coach.Testing;

namespace Coach.Rag.Tests.Hosting;

public sealed class DocumentsHealthTests
{
    [Fact]
    public async Task WhileTheFirstReadingRuns_HealthAnswersAndAccount_SayHowFarItCame()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 5; i++)
        {
            File.WriteAllText(folder.File($"{i}.gate"), $"Entry {i} about cats.");
        }

        var clock = new VirtualClock();
        var gate = new GatedReader();
        await using var host = new RagHost(
            rag => rag.WithSource(folder.Path).WithReader(gate),
            o => (o.Learn, o.TimeLimit) = (false, TimeSpan.FromSeconds(1)), clock);
        Assert.Null(host.Knowledge.Reading);
        Task<Retrieval> asked = host.Retriever.RetrieveAsync("cats");
        await gate.Third.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await clock.RunUntilAsync(asked, TimeSpan.FromSeconds(5));

        Assert.Equal(new KnowledgeReading(3, 5), host.Knowledge.Reading);
        Assert.Equal("Documents are being read: 3 of 5.", await DescribeAsync(host));
        Assert.Contains("still being read (3 of 5)", (await asked).Degradation!.Message, StringComparison.Ordinal);

        gate.Open();
        await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Null(host.Knowledge.Reading);
        Assert.Equal("5 documents, 5 passages; 0 skipped, 0 failed.", await DescribeAsync(host));
    }

    private static async Task<string> DescribeAsync(RagHost host)
    {
        IComponentHealth health = host.Get<IEnumerable<IComponentHealth>>().Single(part => part.Name == "documents");
        ComponentReport report = await health.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ComponentState.Healthy, report.State);
        return report.Description;
    }

    /// <summary>Stands at the third document until it is opened.</summary>
    private sealed class GatedReader : IDocumentReader
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _reads;

        public TaskCompletionSource Third { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => "gated/1";

        public DocumentMatch Match(DocumentFile file) =>
            file.Name.EndsWith(".gate", StringComparison.Ordinal) ? DocumentMatch.Name : DocumentMatch.None;

        public void Open() => _open.TrySetResult();

        public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Increment(ref _reads) == 3)
            {
                Third.TrySetResult();
                await _open.Task.WaitAsync(cancellationToken);
            }

            string text = file.ReadText(out _);
            return new StructuredText(text, "", [new TextBlock(0, text.Length, "")]);
        }
    }
}
