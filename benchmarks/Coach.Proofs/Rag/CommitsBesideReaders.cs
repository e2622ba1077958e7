using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Indexing;
using Coach.Rag.Store;
using Coach.Rag.Tiers;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>
/// One writer adds, replaces and removes one document a commit while readers ask without a pause. Every answer is held against what was
/// committed before the question: a removed document that comes back, or an added one that is not found, is a failure.
/// </summary>
internal static class CommitsBesideReaders
{
    public static async Task<int> RunAsync(int passages, int readers, int commits, int seed, DirectoryInfo? data, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("coach-commit-").FullName;
        try
        {
            NaturalText text = await NaturalText.OpenAsync(data, seed, cancellationToken);
            string path = Path.Combine(folder, "commit.coach");
            var run = new Run(path, text, new Random(seed));
            await run.FillAsync(passages, cancellationToken);
            await run.WriteAsync(readers, commits, cancellationToken);
            int failed = run.Failed + await run.CountLostAsync(cancellationToken);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                cases = commits + run.Reads.Count,
                failed,
                seed,
                passages,
                readers,
                text = text.Origin,
                commits,
                commitP50Ms = ScaleHost.At(run.Commits, 50),
                commitP99Ms = ScaleHost.At(run.Commits, 99),
                commitMaxMs = ScaleHost.At(run.Commits, 100),
                reads = run.Reads.Count,
                readerP50Ms = ScaleHost.At([.. run.Reads], 50),
                readerP99Ms = ScaleHost.At([.. run.Reads], 99),
                readerMaxMs = ScaleHost.At([.. run.Reads], 100),
                bytesWritten = run.BytesWritten,
                fileBytes = new FileInfo(path).Length,
                segments = run.Segments,
                compactions = run.Compactions,
            }));
            return failed == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Run(string path, NaturalText text, Random random)
    {
        private readonly Dictionary<string, string> _words = [];
        private readonly List<string> _removed = [];
        private int _next;

        public double[] Commits { get; private set; } = [];

        public ConcurrentBag<double> Reads { get; } = [];

        public int Failed { get; private set; }

        public long BytesWritten { get; private set; }

        public int Segments { get; private set; }

        public long Compactions { get; private set; }

        public async Task FillAsync(int passages, CancellationToken cancellationToken)
        {
            await using ServiceProvider host = Host();
            await host.GetRequiredService<IKnowledgeBase>().AddOrUpdateAsync(
                Enumerable.Range(0, passages).Select(i => Document($"d{i}", $"word{i}start")), cancellationToken: cancellationToken);
        }

        public async Task WriteAsync(int readers, int commits, CancellationToken cancellationToken)
        {
            await using ServiceProvider host = Host();
            IKnowledgeBase knowledge = host.GetRequiredService<IKnowledgeBase>();
            IRetriever retriever = host.GetRequiredService<IRetriever>();
            var questions = Enumerable.Range(0, 200).Select(_ => text.Question(8)).ToArray();
            await retriever.RetrieveAsync(questions[0], cancellationToken: cancellationToken);
            long writtenBefore = Written();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task[] asking = [.. Enumerable.Range(0, readers).Select(reader => Task.Run(() => AskAsync(retriever, questions, reader, stop.Token), cancellationToken))];
            var times = new double[commits];
            for (int i = 0; i < commits; i++)
            {
                times[i] = await ChangeAsync(knowledge);
                if (i % 16 == 0)
                {
                    await CheckAsync(retriever, cancellationToken);
                }
            }

            await stop.CancelAsync();
            await Task.WhenAll(asking);
            await host.GetRequiredService<KnowledgeBase>().Merges.IdleAsync(cancellationToken);
            BytesWritten = Written() - writtenBefore;
            Commits = times;
            IndexManager index = host.GetRequiredService<IndexManager>();
            using IndexCommitReader commit = index.Store.Acquire();
            Segments = index.SearcherOf(commit).Segments.Count;
            Compactions = BitConverter.ToInt64(File.ReadAllBytes(path).AsSpan(32, 8));
        }

        // After a restart: every document that was committed is there, nothing that was removed is.
        public async Task<int> CountLostAsync(CancellationToken cancellationToken)
        {
            await using ServiceProvider host = Host();
            IKnowledgeBase knowledge = host.GetRequiredService<IKnowledgeBase>();
            int lost = knowledge.DocumentCount == _words.Count ? 0 : 1;
            IRetriever retriever = host.GetRequiredService<IRetriever>();
            foreach ((string id, string word) in _words.TakeLast(200))
            {
                lost += await FindsAsync(retriever, word, cancellationToken) == id ? 0 : 1;
            }

            foreach (string word in _removed)
            {
                lost += await FindsAsync(retriever, word, cancellationToken) is null ? 0 : 1;
            }

            return lost;
        }

        private async Task<double> ChangeAsync(IKnowledgeBase knowledge)
        {
            int kind = random.Next(4);
            string old = $"d{random.Next(_words.Count)}";
            if (kind == 0 && _words.Remove(old, out string? gone))
            {
                _removed.Add(gone);
                long start = Stopwatch.GetTimestamp();
                await knowledge.RemoveAsync([old]);
                return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            string id = kind == 1 ? old : $"new{_next}";
            if (_words.TryGetValue(id, out string? replaced))
            {
                _removed.Add(replaced);
            }

            KnowledgeDocument document = Document(id, $"word{_next++}later");
            long from = Stopwatch.GetTimestamp();
            await knowledge.AddOrUpdateAsync([document]);
            return Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        }

        private async Task CheckAsync(IRetriever retriever, CancellationToken cancellationToken)
        {
            (string id, string word) = _words.Last();
            Failed += await FindsAsync(retriever, word, cancellationToken) == id ? 0 : 1;
            if (_removed.Count > 0)
            {
                Failed += await FindsAsync(retriever, _removed[^1], cancellationToken) is null ? 0 : 1;
            }
        }

        private static async Task<string?> FindsAsync(IRetriever retriever, string word, CancellationToken cancellationToken)
        {
            Retrieval found = await retriever.RetrieveAsync(word, new RetrievalOptions { BestTier = RagTier.Lexical }, cancellationToken);
            return found.Passages.FirstOrDefault(passage => passage.Text.Contains(word, StringComparison.Ordinal))?.DocumentId;
        }

        private async Task AskAsync(IRetriever retriever, string[] questions, int reader, CancellationToken cancellationToken)
        {
            var options = new RetrievalOptions { Top = 10, BestTier = RagTier.Lexical };
            for (int i = reader * 17; !cancellationToken.IsCancellationRequested; i++)
            {
                long from = Stopwatch.GetTimestamp();
                await retriever.RetrieveAsync(questions[i % questions.Length], options, CancellationToken.None);
                Reads.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
            }
        }

        private KnowledgeDocument Document(string id, string word)
        {
            _words[id] = word;
            return new KnowledgeDocument(id, $"{word} {text.Passage()}") { IsOnePassage = true };
        }

        private ServiceProvider Host()
        {
            var services = new ServiceCollection();
            services.AddCoachRag(options =>
            {
                options.Learn = false;
                options.CorrectTypos = false;
                options.TimeLimit = TimeSpan.FromMinutes(5);
            }).UseIndexFile(path);
            return services.BuildServiceProvider();
        }

        // What this process has handed to the system to write; 0 where the system does not tell.
        private static long Written()
        {
            const string Row = "wchar:";
            return File.Exists("/proc/self/io")
                ? long.Parse(File.ReadLines("/proc/self/io").First(line => line.StartsWith(Row, StringComparison.Ordinal))[Row.Length..], CultureInfo.InvariantCulture)
                : 0;
        }
    }
}
