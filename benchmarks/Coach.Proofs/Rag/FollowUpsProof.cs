using System.CommandLine;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>
/// Conversations of two turns out of a judged collection: what the second question finds as it was asked, completed from the first, and
/// written out in full; and what full questions about something else lose.
/// </summary>
internal static class FollowUpsProof
{
    private const double Goal = 0.9;
    private const int Cited = 2;
    private static readonly string[] Pronouns = ["it", "this"];

    public static Command Command()
    {
        var folders = new Argument<DirectoryInfo[]>("folders") { Description = "BEIR folders.", Arity = ArgumentArity.OneOrMore };
        Option<string> tier = new("--tier") { DefaultValueFactory = _ => "local", Description = "lexical, local or hybrid (with the packaged encoder)." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the conversations." };
        var command = new Command("follow-ups", "Follow-up questions, bare and completed.") { folders, tier, seed };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(folders)!, Enum.Parse<RagTier>(parsed.GetValue(tier)!, ignoreCase: true), parsed.GetValue(seed), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo[] folders, RagTier tier, int seed, CancellationToken cancellationToken)
    {
        int failed = 0;
        foreach (DirectoryInfo folder in folders)
        {
            BeirCollection collection = await BeirCollection.LoadAsync(folder.FullName, null, cancellationToken);
            var services = new ServiceCollection();
            TierServices.Add(services, tier);
            await using ServiceProvider provider = services.BuildServiceProvider();
            var knowledge = provider.GetRequiredService<IKnowledgeBase>();
            await knowledge.AddOrUpdateAsync(collection.Documents, null, cancellationToken);
            await knowledge.LearnAsync(cancellationToken);
            failed += await MeasureAsync(collection, provider.GetRequiredService<IRetriever>(), tier, seed, cancellationToken);
        }

        return failed == 0 ? 0 : 1;
    }

    private static async Task<int> MeasureAsync(
        BeirCollection collection, IRetriever retriever, RagTier tier, int seed, CancellationToken cancellationToken)
    {
        Conversation[] conversations = [.. Conversations(collection, seed)];
        foreach (Conversation conversation in conversations)
        {
            // What the first answer would have cited.
            Retrieval first = await retriever.RetrieveAsync(conversation.First, new RetrievalOptions { Top = Cited, BestTier = tier }, cancellationToken);
            conversation.Turn = new EarlierTurn(conversation.First)
            {
                Cited = [.. first.Passages.Select((passage, i) => new GroundingPassage(i + 1, passage.Source, passage.Heading, passage.Text))],
            };
        }

        EvaluationQuery[] followUps = [.. conversations.Select(conversation => conversation.Full with { Text = conversation.Second })];
        EvaluationQuery[] full = [.. conversations.Select(conversation => conversation.Full)];
        RetrievalEvaluation whole = await EvaluateAsync(retriever, full, null);
        RetrievalEvaluation bare = await EvaluateAsync(retriever, followUps, null);
        var turns = new TurnRetriever(retriever, [.. conversations.Select(conversation => conversation.Turn!)]);
        RetrievalEvaluation completed = await EvaluateAsync(turns, followUps, turns);

        // Another question of the collection was asked before: nothing of it belongs to this one.
        var others = new TurnRetriever(retriever, [.. full.Select((_, i) => new EarlierTurn(full[(i + (full.Length / 2)) % full.Length].Text))]);
        RetrievalEvaluation changed = await EvaluateAsync(others, full, others);
        double ratio = whole.Ndcg10 == 0 ? 0 : completed.Ndcg10 / whole.Ndcg10;
        bool isGood = ratio >= Goal && changed.Ndcg10 >= whole.Ndcg10 - 0.005;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            collection = collection.Name,
            tier = tier.ToString().ToLowerInvariant(),
            cases = conversations.Length,
            failed = isGood ? 0 : 1,
            seed,
            fullNdcg10 = Math.Round(whole.Ndcg10, 4),
            bareNdcg10 = Math.Round(bare.Ndcg10, 4),
            completedNdcg10 = Math.Round(completed.Ndcg10, 4),
            ratio = Math.Round(ratio, 4),
            completed = turns.Completed,
            topicChanges = full.Length,
            topicChangesCompleted = others.Completed,
            topicChangeNdcg10 = Math.Round(changed.Ndcg10, 4),
            p95Ms = Math.Round(completed.P95.TotalMilliseconds, 3),
        }));
        return isGood ? 0 : 1;

        async Task<RetrievalEvaluation> EvaluateAsync(IRetriever asked, EvaluationQuery[] queries, TurnRetriever? counted)
        {
            var evaluator = new RetrievalEvaluator(asked);
            await evaluator.EvaluateAsync(queries.Take(20), tier, cancellationToken);
            counted?.Restart();
            return await evaluator.EvaluateAsync(queries, tier, cancellationToken);
        }
    }

    // Half of them leave out the first part of the question, the others say "it" for what a judged document's title says.
    private static IEnumerable<Conversation> Conversations(BeirCollection collection, int seed)
    {
        var random = new Random(seed);
        Dictionary<string, string> titles = collection.Documents.ToDictionary(document => document.Id, document => document.Title, StringComparer.Ordinal);
        foreach (EvaluationQuery query in collection.Queries)
        {
            string[] words = query.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 4)
            {
                continue;
            }

            string title = query.Relevant.Keys.Select(id => titles.GetValueOrDefault(id, "")).FirstOrDefault(text => text.Length > 0) ?? "";
            string pronoun = Pronouns[random.Next(Pronouns.Length)];
            double share = 0.5 + (0.2 * random.NextDouble());
            bool isPronoun = random.Next(2) == 0;
            string? second = isPronoun ? WithPronoun(words, title, pronoun) : null;
            if (second is not null)
            {
                yield return new Conversation(query, $"What is known about {title.TrimEnd('.', ' ')}?", second);
                continue;
            }

            int cut = Math.Clamp((int)(words.Length * share), 2, words.Length - 1);
            yield return new Conversation(query, string.Join(' ', words[..cut]) + "?", "and " + string.Join(' ', words[cut..]));
        }
    }

    // The longest run of words that the title has, too; null when there is none of two.
    private static string? WithPronoun(string[] words, string title, string pronoun)
    {
        HashSet<string> known = [.. title.Split(' ').Select(Bare)];
        (int start, int length) best = (0, 0);
        for (int start = 0; start < words.Length; start++)
        {
            int length = 0;
            while (start + length < words.Length && known.Contains(Bare(words[start + length])))
            {
                length++;
            }

            best = length > best.length ? (start, length) : best;
        }

        return best.length < 2 || best.length > words.Length - 2
            ? null
            : string.Join(' ', [.. words[..best.start], pronoun, .. words[(best.start + best.length)..]]);
    }

    private static string Bare(string word) => word.Trim('.', ',', '?', '(', ')', ':', ';').ToLowerInvariant();

    private sealed record Conversation(EvaluationQuery Full, string First, string Second)
    {
        public EarlierTurn? Turn { get; set; }
    }

    /// <summary>Gives each question the turn before it, in their order.</summary>
    private sealed class TurnRetriever(IRetriever inner, EarlierTurn[] turns) : IRetriever
    {
        private int _next;

        public RagTier Tier => inner.Tier;

        public int Completed { get; private set; }

        public void Restart() => (_next, Completed) = (0, 0);

        public async Task<Retrieval> RetrieveAsync(string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
        {
            options!.Earlier = [turns[_next++]];
            Retrieval found = await inner.RetrieveAsync(query, options, cancellationToken);
            Completed += found.SearchedFor is null ? 0 : 1;
            return found;
        }
    }
}
