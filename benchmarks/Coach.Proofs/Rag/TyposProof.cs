using System.CommandLine;
using System.Text.Json;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>What a typing error in each question costs, with and without correction, and what correction costs in time.</summary>
internal static class TyposProof
{
    private const int MinLetters = 5;

    public static Command Command()
    {
        var folders = new Argument<DirectoryInfo[]>("folders") { Description = "BEIR folders.", Arity = ArgumentArity.OneOrMore };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the errors." };
        var command = new Command("typos", "Retrieval by words with one typing error a question.") { folders, seed };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(folders)!, parsed.GetValue(seed), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo[] folders, int seed, CancellationToken cancellationToken)
    {
        int failed = 0;
        foreach (DirectoryInfo folder in folders)
        {
            BeirCollection collection = await BeirCollection.LoadAsync(folder.FullName, null, cancellationToken);
            var random = new Random(seed);
            EvaluationQuery[] misspelt = [.. collection.Queries.Select(query => query with { Text = Misspell(query.Text, random) })];
            RetrievalEvaluation right = await EvaluateAsync(collection, collection.Queries, corrects: true, cancellationToken);
            RetrievalEvaluation plain = await EvaluateAsync(collection, collection.Queries, corrects: false, cancellationToken);
            RetrievalEvaluation wrong = await EvaluateAsync(collection, misspelt, corrects: false, cancellationToken);
            RetrievalEvaluation corrected = await EvaluateAsync(collection, misspelt, corrects: true, cancellationToken);
            failed += corrected.Ndcg10 >= wrong.Ndcg10 && right.Ndcg10 >= plain.Ndcg10 - 0.005 ? 0 : 1;
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                collection = collection.Name,
                cases = misspelt.Length,
                failed,
                seed,
                ndcg10 = Math.Round(plain.Ndcg10, 4),
                ndcg10WithCorrection = Math.Round(right.Ndcg10, 4),
                misspeltNdcg10 = Math.Round(wrong.Ndcg10, 4),
                misspeltNdcg10WithCorrection = Math.Round(corrected.Ndcg10, 4),
                p95Ms = Math.Round(plain.P95.TotalMilliseconds, 3),
                p95MsWithCorrection = Math.Round(right.P95.TotalMilliseconds, 3),
                misspeltP95MsWithCorrection = Math.Round(corrected.P95.TotalMilliseconds, 3),
            }));
        }

        return failed == 0 ? 0 : 1;
    }

    private static async Task<RetrievalEvaluation> EvaluateAsync(
        BeirCollection collection, IReadOnlyList<EvaluationQuery> queries, bool corrects, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options => (options.Learn, options.CorrectTypos) = (false, corrects));
        await using ServiceProvider provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IKnowledgeBase>().AddOrUpdateAsync(collection.Documents, null, cancellationToken);
        var evaluator = new RetrievalEvaluator(provider.GetRequiredService<IRetriever>());
        await evaluator.EvaluateAsync(queries.Take(50), RagTier.Lexical, cancellationToken);
        return await evaluator.EvaluateAsync(queries, RagTier.Lexical, cancellationToken);
    }

    // One of the longer words, with a letter left out, doubled, changed, or swapped with its neighbour; never the first.
    private static string Misspell(string text, Random random)
    {
        string[] words = text.Split(' ');
        int[] candidates = [.. Enumerable.Range(0, words.Length).Where(i => words[i].Length >= MinLetters && words[i].All(char.IsAsciiLetter))];
        if (candidates.Length == 0)
        {
            return text;
        }

        int chosen = candidates[random.Next(candidates.Length)];
        char[] word = words[chosen].ToCharArray();
        int at = random.Next(1, word.Length - 1);
        words[chosen] = random.Next(4) switch
        {
            0 => new string(word[..at]) + new string(word[(at + 1)..]),
            1 => new string(word[..at]) + word[at] + new string(word[at..]),
            2 => new string(word[..at]) + (char)('a' + random.Next(26)) + new string(word[(at + 1)..]),
            _ => new string(word[..at]) + word[at + 1] + word[at] + new string(word[(at + 2)..]),
        };
        return string.Join(' ', words);
    }
}
