using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Store;

namespace Coach.Proofs.Rag;

/// <summary>
/// Kills a process that writes an index at random moments and looks at what is left: it must open, at a commit that was reported or
/// the one being written, with exactly that commit's bytes. The next round's writer goes on from there.
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
        return [kills, writer];
    }

    private static int Run(int rounds, int seed)
    {
        string folder = Directory.CreateTempSubdirectory("coach-kills-").FullName;
        string path = Path.Combine(folder, "kills.coach");
        var random = new Random(seed);
        int wrongStates = 0, unopened = 0, unfinished = 0;
        long commit = 0;
        try
        {
            using var model = new KillContent(seed);
            for (int round = 0; round < rounds; round++)
            {
                long reported = KillOne(path, seed, TimeSpan.FromMilliseconds(random.NextDouble() * 60));
                bool isUnfinished = File.Exists(path + ".new");
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
                    return Report(round + 1, wrongStates, unopened, commit, unfinished);
                }

                unfinished += isUnfinished ? 1 : 0;
            }

            return Report(rounds, wrongStates, unopened, commit, unfinished);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Report(int rounds, int wrongStates, int unopened, long commits, int unfinished)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("rounds", rounds);
            json.WriteNumber("wrongStates", wrongStates);
            json.WriteNumber("unopened", unopened);
            json.WriteNumber("commits", commits);
            json.WriteNumber("killedWhileWriting", unfinished);
            json.WriteEndObject();
        }

        Console.WriteLine(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
        return wrongStates + unopened == 0 ? 0 : 1;
    }

    // Returns the last commit the writer reported before it died.
    private static long KillOne(string path, int seed, TimeSpan delay)
    {
        string self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            start.ArgumentList.Add(typeof(IndexKillsProof).Assembly.Location);
        }

        start.ArgumentList.Add(WriterName);
        start.ArgumentList.Add(path);
        start.ArgumentList.Add(seed.ToString(CultureInfo.InvariantCulture));
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
        long reported = 0;
        while (writer.StandardOutput.ReadLine() is { } line)
        {
            // A line cut off by the kill is shorter than its promise.
            if (line.EndsWith(';') && long.TryParse(line.AsSpan(0, line.Length - 1), CultureInfo.InvariantCulture, out long commit))
            {
                reported = commit;
            }
        }

        return reported;
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
                store.Compact(default);
            }
        }
    }
}
