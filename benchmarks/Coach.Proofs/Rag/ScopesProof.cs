using System.Collections.Concurrent;
using System.CommandLine;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Scopes;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>
/// Many scopes with the same words in their documents, few of them open at once, asked, changed and removed at random: how many passages
/// come from another scope.
/// </summary>
internal static class ScopesProof
{
    private const int Documents = 8;
    private static readonly string[] Topics = ["gate", "cellar", "garden", "kitchen", "library", "attic", "garage", "stable"];

    public static Command Command()
    {
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 100_000, Description = "How many questions." };
        Option<int> scopes = new("--scopes") { DefaultValueFactory = _ => 256, Description = "How many scopes." };
        Option<int> open = new("--open") { DefaultValueFactory = _ => 48, Description = "How many of them may be open." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of questions and changes." };
        var command = new Command("scopes", "Documents kept by scope: foreign passages in random questions.") { queries, scopes, open, seed };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(queries), parsed.GetValue(scopes), parsed.GetValue(open), parsed.GetValue(seed), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int queries, int scopes, int open, int seed, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("coach-scopes-").FullName;
        try
        {
            await using ServiceProvider provider = new ServiceCollection()
                .AddCoachRag().WithScopes(folder, options => (options.MaxOpen, options.OpenTimeLimit) = (open, TimeSpan.FromMinutes(1))).Services
                .BuildServiceProvider();
            var run = new Run(provider.GetRequiredService<IKnowledgeBases>(), provider.GetRequiredService<ScopeTable>(), scopes);
            await run.FillAsync(cancellationToken);
            long start = TimeProvider.System.GetTimestamp();
            await run.AskAsync(queries, seed, cancellationToken);
            TimeSpan took = TimeProvider.System.GetElapsedTime(start);
            foreach (string failure in run.Failures.Take(10))
            {
                Console.WriteLine(failure);
            }

            Console.WriteLine(JsonSerializer.Serialize(new
            {
                cases = queries,
                failed = run.Failures.Count,
                seed,
                queries,
                scopes,
                foreign = run.Foreign,
                changes = run.Changes,
                removals = run.Removals,
                openLimit = open,
                openMax = run.OpenMax,
                seconds = Math.Round(took.TotalSeconds, 1),
                queriesPerSecond = Math.Round(queries / took.TotalSeconds),
            }));
            return run.Failures.IsEmpty && run.OpenMax <= open ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Run(IKnowledgeBases bases, ScopeTable table, int count)
    {
        private readonly SemaphoreSlim[] _changing = [.. Enumerable.Range(0, count).Select(_ => new SemaphoreSlim(1, 1))];
        private int _foreign;
        private int _changes;
        private int _removals;
        private int _openMax;

        public ConcurrentQueue<string> Failures { get; } = new();

        public int Foreign => _foreign;

        public int Changes => _changes;

        public int Removals => _removals;

        public int OpenMax => _openMax;

        public Task FillAsync(CancellationToken cancellationToken) =>
            Parallel.ForEachAsync(Enumerable.Range(0, count), Parallelism(cancellationToken), async (scope, token) => await FillAsync(scope, 0, token));

        public Task AskAsync(int queries, int seed, CancellationToken cancellationToken) =>
            Parallel.ForEachAsync(Enumerable.Range(0, queries), Parallelism(cancellationToken), async (query, token) =>
            {
                // Most questions come from some scopes that are busy just now, the others from anywhere.
                var random = new Random(unchecked((seed * 1_000_003) + query));
                int scope = random.Next(10) < 8 ? ((query / 2_000 * 7) + random.Next(Math.Min(count, 24))) % count : random.Next(count);
                try
                {
                    await StepAsync(scope, query, random, token);
                }
                catch (Exception exception) when (exception is RagException or ObjectDisposedException)
                {
                    Failures.Enqueue($"{query}: {exception.GetType().Name}: {exception.Message}");
                }

                Max(table.OpenScopes ?? 0);
            });

        private static ParallelOptions Parallelism(CancellationToken cancellationToken) =>
            new() { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken };

        // Names that a disk could take for one another, of several kinds.
        private static KnowledgeScope ScopeOf(int scope) => (scope % 4) switch
        {
            0 => KnowledgeScope.OfTenant($"tenant{scope / 4}"),
            1 => KnowledgeScope.OfTenant($"TENANT{scope / 4}"),
            2 => KnowledgeScope.Of($"tenant{scope / 4}"),
            _ => KnowledgeScope.Of($"../tenant{scope / 4}"),
        };

        private static string MarkOf(int scope) => $"mark{scope}x";

        private async Task StepAsync(int scope, int query, Random random, CancellationToken cancellationToken)
        {
            int what = random.Next(1_000);
            if (what >= 8)
            {
                await AskAsync(scope, query, random, cancellationToken);
                return;
            }

            await _changing[scope].WaitAsync(cancellationToken);
            try
            {
                if (what == 0)
                {
                    await bases.RemoveAsync(ScopeOf(scope), cancellationToken);
                    Interlocked.Increment(ref _removals);
                }

                await FillAsync(scope, query, cancellationToken);
                Interlocked.Increment(ref _changes);
            }
            finally
            {
                _changing[scope].Release();
            }

            await AskAsync(scope, query, random, cancellationToken);
        }

        private async Task FillAsync(int scope, int version, CancellationToken cancellationToken)
        {
            OpenKnowledge open = (await bases.OpenAsync(ScopeOf(scope), cancellationToken))!;
            await open.Knowledge.AddOrUpdateAsync(
                Enumerable.Range(0, Documents).Select(n => new KnowledgeDocument(
                    $"{Topics[n]}.md", $"The code of the {Topics[n]} is {MarkOf(scope)} since {version}. Tell nobody the code of the {Topics[n]}.")),
                null,
                cancellationToken);
        }

        private async Task AskAsync(int scope, int query, Random random, CancellationToken cancellationToken)
        {
            int topic = random.Next(Documents);
            if (await FindAsync(scope, query, topic, cancellationToken))
            {
                return;
            }

            // Between a removal and what fills the scope again there is nothing to find.
            await _changing[scope].WaitAsync(cancellationToken);
            try
            {
                if (!await FindAsync(scope, query, topic, cancellationToken))
                {
                    Failures.Enqueue($"{query}: the passage was not found");
                }
            }
            finally
            {
                _changing[scope].Release();
            }
        }

        private async Task<bool> FindAsync(int scope, int query, int topic, CancellationToken cancellationToken)
        {
            OpenKnowledge open = (await bases.OpenAsync(ScopeOf(scope), cancellationToken))!;
            Retrieval found = await open.Retriever.RetrieveAsync($"What is the code of the {Topics[topic]}?", null, cancellationToken);
            int foreign = found.Passages.Count(passage => !passage.Text.Contains(MarkOf(scope) + " ", StringComparison.Ordinal));
            if (foreign > 0)
            {
                Interlocked.Add(ref _foreign, foreign);
                Failures.Enqueue($"{query}: {foreign} foreign passages");
            }

            return found.Passages.Count > 0 && found.Passages[0].Source == $"{Topics[topic]}.md";
        }

        private void Max(int open)
        {
            int before = Volatile.Read(ref _openMax);
            while (open > before)
            {
                int seen = Interlocked.CompareExchange(ref _openMax, open, before);
                before = seen == before ? open : seen;
            }
        }
    }
}
