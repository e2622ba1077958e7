using System.CommandLine;
using System.Globalization;
using Coach.Rag;
using Coach.Rag.Indexing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>
/// A knowledge base that is killed while it adds, replaces and removes documents, merges their segments, erases what was deleted and
/// compacts its file. What each change does follows from its number, so that the state after any of them is known.
/// </summary>
internal sealed class KnowledgeKills(string path, int seed)
{
    private const string WriterName = "index-kills-knowledge";
    private const int Documents = 150;

    private readonly Dictionary<string, int> _expected = [];
    private int _changes;

    public int WrongStates { get; private set; }

    public int WrongAnswers { get; private set; }

    public int Unopened { get; private set; }

    public int Unfinished { get; private set; }

    public int InMerges { get; private set; }

    public int InCompactions { get; private set; }

    public long Commits => _changes;

    public static Command WriterCommand()
    {
        Argument<string> path = new("path");
        Argument<int> seed = new("seed");
        Argument<int> from = new("from");
        var writer = new Command(WriterName, "The process that index-kills kills, with a knowledge base.") { path, seed, from };
        writer.Hidden = true;
        writer.SetAction((parsed, _) => WriteAsync(parsed.GetValue(path)!, parsed.GetValue(seed), parsed.GetValue(from)));
        return writer;
    }

    /// <summary>Kills one writer, and looks at what it left.</summary>
    public void Round(TimeSpan delay, int round)
    {
        (string[] lines, string? error) = IndexKillsProof.KillOne(WriterName, [path, Number(seed), Number(_changes)], delay);
        bool isMerging = lines.Length > 0 && lines[^1].EndsWith('m');
        int reported = lines.Length == 0 ? _changes : int.Parse(lines[^1].TrimEnd('m'), CultureInfo.InvariantCulture);
        InMerges += isMerging ? 1 : 0;
        InCompactions += File.Exists(path + ".compact") ? 1 : 0;
        Unfinished += File.Exists(path + ".new") || File.Exists(path + ".compact") ? 1 : 0;
        if (error is not null)
        {
            WrongStates++;
            Console.Error.WriteLine($"round {round}: {error}");
        }

        try
        {
            CheckAsync(reported, round).GetAwaiter().GetResult();
        }
        catch (RagException exception)
        {
            Unopened++;
            Console.Error.WriteLine($"round {round}: {exception.Message}");
        }
    }

    private async Task CheckAsync(int reported, int round)
    {
        // Read without merging: what the kill left is what is judged.
        await using ServiceProvider host = Host(path);
        await host.GetRequiredService<KnowledgeBase>().Merges.DisposeAsync();
        IKnowledgeBase knowledge = host.GetRequiredService<IKnowledgeBase>();
        var found = new Dictionary<string, int>();
        StoredDocument? last = null;
        while (knowledge.ListDocuments(last, 1_000) is { Count: > 0 } page)
        {
            foreach (StoredDocument document in page)
            {
                string text = knowledge.GetPassages(document.Id)![0].Text;
                bool isNew = found.TryAdd(document.Id, VersionIn(text));
                WrongStates += isNew ? 0 : 1;
            }

            last = page[^1];
        }

        ApplyUpTo(reported);
        bool isRight = Equal(found);
        if (!isRight)
        {
            // The one that was being written when the process died may be there, whole.
            ApplyUpTo(reported + 1);
            isRight = Equal(found);
        }

        if (!isRight)
        {
            WrongStates++;
            Console.Error.WriteLine($"round {round}: {found.Count} documents, {_expected.Count} expected after change {reported}");
        }

        await AskAsync(host.GetRequiredService<IRetriever>(), round);
    }

    private async Task AskAsync(IRetriever retriever, int round)
    {
        var options = new RetrievalOptions { BestTier = RagTier.Lexical };
        for (int change = Math.Max(0, _changes - 12); change < _changes; change++)
        {
            (string id, bool isRemoval) = ChangeOf(seed, change);
            Retrieval answer = await retriever.RetrieveAsync($"version{change}x", options);
            bool isFound = answer.Passages.Any(passage => passage.DocumentId == id && VersionIn(passage.Text) == change);
            bool isExpected = !isRemoval && _expected.TryGetValue(id, out int version) && version == change;
            if (isFound != isExpected)
            {
                WrongAnswers++;
                Console.Error.WriteLine($"round {round}: change {change} is {(isFound ? "found" : "not found")}");
            }
        }
    }

    private bool Equal(Dictionary<string, int> found) =>
        found.Count == _expected.Count && _expected.All(pair => found.TryGetValue(pair.Key, out int version) && version == pair.Value);

    private void ApplyUpTo(int changes)
    {
        for (; _changes < changes; _changes++)
        {
            (string id, bool isRemoval) = ChangeOf(seed, _changes);
            if (isRemoval)
            {
                _expected.Remove(id);
            }
            else
            {
                _expected[id] = _changes;
            }
        }
    }

    private static (string Id, bool IsRemoval) ChangeOf(int seed, int change)
    {
        var random = new Random(unchecked((seed * 7919) + change));
        return ($"d{random.Next(Documents)}", random.Next(4) == 0);
    }

    private static string TextOf(int change) => $"The text has version{change}x and, so that it is not short, " + string.Join(' ', Enumerable.Range(0, 40).Select(i => $"word{(change * 31) + i}"));

    private static int VersionIn(string text)
    {
        const string Mark = "version";
        int at = text.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        return int.Parse(text.AsSpan(at, text.IndexOf('x', at) - at), CultureInfo.InvariantCulture);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static async Task<int> WriteAsync(string path, int seed, int from)
    {
        // Once in memory first, so that the kills fall into the writing rather than into the compiling.
        await using (ServiceProvider warm = Host(null))
        {
            await ChangeAsync(warm.GetRequiredService<IKnowledgeBase>(), seed, 0);
        }

        await using ServiceProvider host = Host(path);
        var knowledge = host.GetRequiredService<KnowledgeBase>();
        await using Stream output = Console.OpenStandardOutput();
        output.Write("ready\n"u8);
        output.Flush();
        _ = Task.Run(() => EraseAsync(knowledge));
        for (int change = from; ; change++)
        {
            await ChangeAsync(knowledge, seed, change);
            string merging = knowledge.Merges.IsBusy ? "m" : "";
            output.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{change + 1}{merging};\n")));
            output.Flush();
        }
    }

    private static async Task EraseAsync(KnowledgeBase knowledge)
    {
        while (true)
        {
            await knowledge.CompactAsync();
        }
    }

    private static Task ChangeAsync(IKnowledgeBase knowledge, int seed, int change)
    {
        (string id, bool isRemoval) = ChangeOf(seed, change);
        return isRemoval ? knowledge.RemoveAsync([id]) : knowledge.AddOrUpdateAsync([new KnowledgeDocument(id, TextOf(change))]);
    }

    private static ServiceProvider Host(string? path)
    {
        var services = new ServiceCollection();
        CoachRagBuilder builder = services.AddCoachRag(options => (options.Learn, options.CorrectTypos) = (false, false));
        if (path is not null)
        {
            builder.UseIndexFile(path);
        }

        return services.BuildServiceProvider();
    }
}
