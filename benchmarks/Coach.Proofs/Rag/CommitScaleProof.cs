using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Tiers;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>
/// What adding and replacing one document costs in a small and in a large index file, and how soon a restarted app answers from it;
/// then how long one writer's commits take beside readers that never stop, while segments are merged and the file is compacted.
/// </summary>
internal static class CommitScaleProof
{
    private const int Changes = 40;

    public static Command Command()
    {
        Option<int[]> documents = new("--documents") { DefaultValueFactory = _ => [10_000, 100_000], AllowMultipleArgumentsPerToken = true, Description = "Sizes of the index, in documents of about 100 words." };
        Option<int> passages = new("--passages") { DefaultValueFactory = _ => 100_000, Description = "Passages of the index that is written beside readers; 0 leaves that part out." };
        Option<int> readers = new("--readers") { DefaultValueFactory = _ => 8, Description = "How many readers ask without a pause meanwhile." };
        Option<int> commits = new("--commits") { DefaultValueFactory = _ => 1000, Description = "How many commits one writer makes beside them." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the texts and the changes." };
        var command = new Command("commit-scale", "Commits one document at a time into small and large index files, and beside readers; measures time, bytes written and opening.")
        {
            documents, passages, readers, commits, seed, ScaleHost.Data,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            DirectoryInfo? data = parsed.GetValue(ScaleHost.Data);
            int least = await RunAsync(parsed.GetValue(documents)!, data, cancellationToken);
            return parsed.GetValue(passages) == 0
                ? least
                : await CommitsBesideReaders.RunAsync(
                    parsed.GetValue(passages), parsed.GetValue(readers), parsed.GetValue(commits), parsed.GetValue(seed), data, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(int[] sizes, DirectoryInfo? data, CancellationToken cancellationToken)
    {
        foreach (int size in sizes)
        {
            string folder = Directory.CreateTempSubdirectory("coach-commit-").FullName;
            try
            {
                NaturalText text = await NaturalText.OpenAsync(data, 1, cancellationToken);
                string path = Path.Combine(folder, "commit.coach");
                await using (ServiceProvider first = Host(path))
                {
                    await first.GetRequiredService<IKnowledgeBase>().AddOrUpdateAsync(
                        Enumerable.Range(0, size).Select(i => new KnowledgeDocument($"d{i}", text.Passage())), cancellationToken: cancellationToken);
                }

                long from = Stopwatch.GetTimestamp();
                await using ServiceProvider host = Host(path);
                IKnowledgeBase knowledge = host.GetRequiredService<IKnowledgeBase>();
                int count = knowledge.DocumentCount;
                double openMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
                from = Stopwatch.GetTimestamp();
                await host.GetRequiredService<IRetriever>().RetrieveAsync(text.Question(8), cancellationToken: cancellationToken);
                double firstAnswerMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
                long bytes = new FileInfo(path).Length;
                (double addP50, double addMost) = await TimeAsync(i => knowledge.AddOrUpdateAsync([new KnowledgeDocument($"new{i}", text.Passage())], cancellationToken: cancellationToken));
                (double updateP50, double updateMost) = await TimeAsync(i => knowledge.AddOrUpdateAsync([new KnowledgeDocument($"d{i * 7}", text.Passage())], cancellationToken: cancellationToken));
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    documents = count,
                    fileMB = bytes / 1_000_000,
                    openMs = Math.Round(openMs, 1),
                    firstAnswerMs = Math.Round(firstAnswerMs, 1),
                    addP50Ms = Math.Round(addP50, 2),
                    addMaxMs = Math.Round(addMost, 1),
                    updateP50Ms = Math.Round(updateP50, 2),
                    updateMaxMs = Math.Round(updateMost, 1),
                    bytesPerChange = (new FileInfo(path).Length - bytes) / (2 * Changes),
                }));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        return 0;
    }

    private static async Task<(double P50, double Most)> TimeAsync(Func<int, Task> change)
    {
        var times = new double[Changes];
        for (int i = 0; i < Changes; i++)
        {
            long from = Stopwatch.GetTimestamp();
            await change(i);
            times[i] = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        }

        Array.Sort(times);
        return (times[Changes / 2], times[^1]);
    }

    private static ServiceProvider Host(string path)
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options => options.Learn = false).UseIndexFile(path);
        return services.BuildServiceProvider();
    }
}
