using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;
using Spectre.Console;

namespace Coach.Proofs.Rag;

/// <summary>What learnt semantics gain or lose against BM25 alone on collections derived from others, one set of defaults for all.</summary>
internal static class DerivedRetrievalProof
{
    private const double Allowed = 0.005;

    public static Command Command()
    {
        var folders = new Argument<DirectoryInfo[]>("folders") { Description = "BEIR folders to derive collections from.", Arity = ArgumentArity.OneOrMore };
        var documents = new Option<DirectoryInfo?>("--documents") { Description = "A folder of Markdown files: sections are found by their headings." };
        var command = new Command("retrieval-derived", "Compare the local tier with BM25 alone on known items, quotations, short and long questions, subsets, unions and noise.") { folders, documents };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(folders)!, parsed.GetValue(documents), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo[] folders, DirectoryInfo? documents, CancellationToken cancellationToken)
    {
        var sources = new List<BeirCollection>();
        foreach (DirectoryInfo folder in folders)
        {
            sources.Add(await BeirCollection.LoadAsync(folder.FullName, null, cancellationToken));
        }

        var all = sources.SelectMany(DerivedCollections.Of).ToList();
        if (sources.Count > 1)
        {
            all.Add(DerivedCollections.Union(sources));
        }

        if (documents is not null)
        {
            all.Add(DerivedCollections.Sections(documents.FullName));
        }

        all.Add(DerivedCollections.Noise(3000, 1));
        var table = new Table().AddColumns("collection", "documents", "queries", "BM25 nDCG@10", "recall@100", "local nDCG@10", "recall@100", "change nDCG", "recall");
        double worst = double.MaxValue;
        var lines = new List<string>();
        foreach (DerivedCollections.Derived collection in all)
        {
            (RetrievalEvaluation lexical, RetrievalEvaluation local) = await MeasureAsync(collection, cancellationToken);
            double change = local.Ndcg10 - lexical.Ndcg10;
            double recall = local.Recall100 - lexical.Recall100;
            worst = Math.Min(worst, change);
            table.AddRow(collection.Name, Text(collection.Documents.Count, "0"), Text(collection.Queries.Count, "0"), Text(lexical.Ndcg10, "0.0000"),
                Text(lexical.Recall100, "0.0000"), Text(local.Ndcg10, "0.0000"), Text(local.Recall100, "0.0000"), Text(change, "+0.0000;-0.0000"), Text(recall, "+0.0000;-0.0000"));
            lines.Add(JsonSerializer.Serialize(new
            {
                collection = collection.Name,
                lexicalNdcg10 = Math.Round(lexical.Ndcg10, 4),
                lexicalRecall100 = Math.Round(lexical.Recall100, 4),
                localNdcg10 = Math.Round(local.Ndcg10, 4),
                localRecall100 = Math.Round(local.Recall100, 4),
            }));
        }

        AnsiConsole.Write(table);
        lines.Add(JsonSerializer.Serialize(new { collections = all.Count, worstChange = Math.Round(worst, 4), allowed = -Allowed, isWithin = worst >= -Allowed }));
        foreach (string line in lines)
        {
            System.Console.WriteLine(line);
        }

        return worst >= -Allowed ? 0 : 1;
    }

    private static async Task<(RetrievalEvaluation Lexical, RetrievalEvaluation Local)> MeasureAsync(DerivedCollections.Derived collection, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options => options.TimeLimit = TimeSpan.FromMinutes(5));
        await using ServiceProvider provider = services.BuildServiceProvider();
        var knowledge = provider.GetRequiredService<IKnowledgeBase>();
        await knowledge.AddOrUpdateAsync(collection.Documents, null, cancellationToken);
        await knowledge.LearnAsync(cancellationToken);
        var evaluator = new RetrievalEvaluator(provider.GetRequiredService<IRetriever>());
        return (await evaluator.EvaluateAsync(collection.Queries, RagTier.Lexical, cancellationToken), await evaluator.EvaluateAsync(collection.Queries, RagTier.Local, cancellationToken));
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
