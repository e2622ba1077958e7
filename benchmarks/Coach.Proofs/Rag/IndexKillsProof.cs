using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Store;

namespace Coach.Proofs.Rag;

/// <summary>
/// Kills a process that writes an index at random moments and looks at what is left: it must open, at a commit that was reported or
/// the one being written, with exactly that commit's bytes. The next round's writer goes on from there. Every other round kills a
/// knowledge base whose segments are merged, erased and compacted beside its commits: its documents and answers are held against the
/// changes that were reported.
/// </summary>
internal static class IndexKillsProof
{
    private const string WriterName = "index-kills-writer";

    public static IEnumerable<Command> Commands()
    {
        Option<int> rounds = new("--rounds") { DefaultValueFactory = _ => 1000, Description = "How often a writer is killed." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "Chooses the content and the moments." };
        var kills = new Command("index-kills", "Kills index writers at random moments (SIGKILL) and checks that exactly a committed state is left.") { rounds, seed };
        kills.SetAction(result => Run(result.GetValue(rounds), result.GetValue(seed)));

        Argument<string> path = new("path");
        Argument<int> writerSeed = new("seed");
        var writer = new Command(WriterName, "The process that index-kills kills.") { path, writerSeed };
        writer.Hidden = true;
        writer.SetAction(result => Write(result.GetValue(path)!, result.GetValue(writerSeed)));
        return [kills, writer, KnowledgeKills.WriterCommand()];
    }

    private static int Run(int rounds, int seed)
    {
        string folder = Directory.CreateTempSubdirectory("coach-kills-").FullName;
        string path = Path.Combine(folder, "kills.coach");
        var random = new Random(seed);
        int wrongStates = 0, unopened = 0, unfinished = 0, compacting = 0;
        long commit = 0;
        var knowledge = new KnowledgeKills(Path.Combine(folder, "knowledge.coach"), seed);
        try
        {
            using var model = new KillContent(seed);
            for (int round = 0; round < rounds; round++)
            {
                var delay = TimeSpan.FromMilliseconds(random.NextDouble() * 60);
                if (round % 2 == 1)
                {
                    knowledge.Round(delay * 5, round);
                    continue;
                }

                (string[] lines, _) = KillOne(WriterName, [path, seed.ToString(CultureInfo.InvariantCulture)], delay);
                long reported = lines.Length == 0 ? 0 : long.Parse(lines[^1], CultureInfo.InvariantCulture);
                bool isUnfinished = File.Exists(path + ".new") || File.Exists(path + ".compact");
                compacting += File.Exists(path + ".compact") ? 1 : 0;
                try
                {
                    using var store = new FileIndexStore(path, new IndexFileOptions { WriterWait = TimeSpan.Zero });
                    using IndexCommitReader snapshot = store.Acquire();
                    isUnfinished |= store.HasUnfinishedTail;
                    bool isKnown = snapshot.CommitId >= Math.Max(commit, reported);
                    if (!isKnown || KillContent.Digest(snapshot) != model.DigestAt(snapshot.CommitId))
                    {
                        wrongStates++;
                        Console.Error.WriteLine($"round {round}: commit {snapshot.CommitId}, reported {reported}, before {commit}");
                    }

                    commit = Math.Max(commit, snapshot.CommitId);
                }
                catch (RagException exception)
                {
                    unopened++;
                    Console.Error.WriteLine($"round {round}: {exception.Message}");
                    Directory.Delete(folder, recursive: true);
                    Directory.CreateDirectory(folder);
                    return Report(new Counts(round + 1, seed, wrongStates, unopened, commit, unfinished, compacting), knowledge);
                }

                unfinished += isUnfinished ? 1 : 0;
            }

            return Report(new Counts(rounds, seed, wrongStates, unopened, commit, unfinished, compacting), knowledge);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Report(Counts counts, KnowledgeKills knowledge)
    {
        int wrongStates = counts.WrongStates + knowledge.WrongStates;
        int unopened = counts.Unopened + knowledge.Unopened;
        int failed = wrongStates + unopened + knowledge.WrongAnswers;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            cases = counts.Rounds,
            failed,
            seed = counts.Seed,
            rounds = counts.Rounds,
            wrongStates,
            wrongAnswers = knowledge.WrongAnswers,
            unopened,
            commits = counts.Commits + knowledge.Commits,
            killedWhileWriting = counts.Unfinished + knowledge.Unfinished,
            killedInMerges = knowledge.InMerges,
            killedInCompactions = counts.Compacting + knowledge.InCompactions,
        }));
        return failed == 0 ? 0 : 1;
    }

    /// <summary>Starts a writer, and kills it some time after it said that it is ready.</summary>
    /// <returns>The lines it reported, without those that the kill cut off; and its error output where it ended by itself.</returns>
    public static (string[] Lines, string? Error) KillOne(string command, string[] arguments, TimeSpan delay)
    {
        string self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            start.ArgumentList.Add(typeof(IndexKillsProof).Assembly.Location);
        }

        start.ArgumentList.Add(command);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_TieredPGO"] = "0";
        using Process writer = Process.Start(start)!;
        if (writer.StandardOutput.ReadLine() != "ready")
        {
            writer.WaitForExit();
            throw new InvalidOperationException($"The writer ended with {writer.ExitCode} before it was killed.");
        }

        long from = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(from) < delay)
        {
            Thread.Sleep(TimeSpan.FromMicroseconds(100));
        }

        writer.Kill();
        writer.WaitForExit();
        const int Killed = 137;
        string? error = writer.ExitCode == Killed ? null : $"The writer ended by itself with {writer.ExitCode}.";

        // A line cut off by the kill is shorter than its promise.
        string[] lines = [.. writer.StandardOutput.ReadToEnd().Split('\n').Where(line => line.EndsWith(';')).Select(line => line.TrimEnd(';'))];
        return (lines, error);
    }

    private static int Write(string path, int seed)
    {
        // Commits once aside first, so that the kills fall into the writing rather than into the compiling.
        string aside = path + ".warm";
        using (var warm = new FileIndexStore(aside))
        {
            for (int i = 0; i < 3; i++)
            {
                using IndexCommitReader before = warm.Acquire();
                warm.Commit(KillContent.Change(seed, before), default);
            }

            warm.Compact(default);
        }

        File.Delete(aside);
        using var store = new FileIndexStore(path);
        using var due = new SemaphoreSlim(0);
        _ = Task.Run(() => Compact(store, due));
        using Stream output = Console.OpenStandardOutput();
        output.Write("ready\n"u8);
        output.Flush();
        while (true)
        {
            IndexChange change;
            using (IndexCommitReader before = store.Acquire())
            {
                change = KillContent.Change(seed, before);
            }

            long commit = store.Commit(change, default);
            output.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{commit};\n")));
            output.Flush();
            if (commit % 16 == 0)
            {
                due.Release();
            }
        }
    }

    // Beside the commits, as a knowledge base compacts.
    private static void Compact(FileIndexStore store, SemaphoreSlim due)
    {
        while (true)
        {
            due.Wait();
            store.Compact(default);
        }
    }

    private readonly record struct Counts(int Rounds, int Seed, int WrongStates, int Unopened, long Commits, int Unfinished, int Compacting);
}
