using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Tiers;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>What adding and replacing one document costs in a small and in a large index file, and how soon a restarted app answers from it.</summary>
internal static class CommitScaleProof
{
    private const int Changes = 40;

    public static Command Command()
    {
        Option<int[]> documents = new("--documents") { DefaultValueFactory = _ => [10_000, 100_000], AllowMultipleArgumentsPerToken = true, Description = "Sizes of the index, in documents of about 100 words." };
        var command = new Command("commit-scale", "Commits one document at a time into small and large index files; measures time, bytes written and opening.") { documents, ScaleHost.Data };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(documents)!, parsed.GetValue(ScaleHost.Data), cancellationToken));
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
