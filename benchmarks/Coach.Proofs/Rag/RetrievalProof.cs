using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;
using Spectre.Console;

namespace Coach.Proofs.Rag;

/// <summary>Retrieval quality on BEIR folders, through the public API: one document is one passage.</summary>
internal static class RetrievalProof
{
    public static Command Command()
    {
        var folders = new Argument<DirectoryInfo[]>("folders") { Description = "BEIR folders: corpus.jsonl[.gz], queries.jsonl[.gz], qrels/*.tsv[.gz].", Arity = ArgumentArity.OneOrMore };
        var tier = new Option<string>("--tier") { Description = "lexical (BM25 alone), local (with keyless semantics) or hybrid (with the packaged encoder, too).", DefaultValueFactory = _ => "local" };
        tier.AcceptOnlyFromAmong("lexical", "local", "hybrid");
        var run = new Option<FileInfo?>("--run") { Description = "Write a TREC run file here, 100 documents a query." };
        var index = new Option<FileInfo?>("--index") { Description = "Keep the index in this file instead of memory." };
        var command = new Command("retrieval", "Measure retrieval quality on BEIR collections.") { folders, tier, run, index };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(folders)!, Enum.Parse<RagTier>(parsed.GetValue(tier)!, ignoreCase: true),
            parsed.GetValue(run), parsed.GetValue(index), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo[] folders, RagTier tier, FileInfo? run, FileInfo? index, CancellationToken cancellationToken)
    {
        string tierName = tier.ToString().ToLowerInvariant();
        var table = new Table().AddColumns("collection", "tier", "nDCG@10", "recall@100", "MRR@10", "queries", "index s", "p50 ms", "p95 ms");
        var lines = new List<string>();
        await using StreamWriter? writer = run?.CreateText();
        foreach (DirectoryInfo folder in folders)
        {
            BeirCollection collection = await BeirCollection.LoadAsync(folder.FullName, null, cancellationToken);
            var services = new ServiceCollection();
            CoachRagBuilder rag = TierServices.Add(services, tier);
            if (index is not null)
            {
                rag.UseIndexFile(folders.Length == 1 ? index.FullName : $"{index.FullName}.{collection.Name}");
            }

            await using ServiceProvider provider = services.BuildServiceProvider();
            var knowledge = provider.GetRequiredService<IKnowledgeBase>();
            var clock = Stopwatch.StartNew();
            await knowledge.AddOrUpdateAsync(collection.Documents, null, cancellationToken);
            await knowledge.LearnAsync(cancellationToken);
            double indexSeconds = clock.Elapsed.TotalSeconds;
            var retriever = provider.GetRequiredService<IRetriever>();
            var evaluator = new RetrievalEvaluator(retriever);
            await evaluator.EvaluateAsync(collection.Queries.Take(50), tier, cancellationToken);     // warm-up for the times
            RetrievalEvaluation figures = await evaluator.EvaluateAsync(collection.Queries, tier, cancellationToken);
            if (figures.Queries.FirstOrDefault(query => query.Tier != tier && query.Tier != RagTier.None) is { } other)
            {
                AnsiConsole.MarkupLineInterpolated($"[yellow]{collection.Name}: query {other.Query.Id} was answered by tier {other.Tier}, not {tier}.[/]");
            }

            table.AddRow(collection.Name, tierName, Text(figures.Ndcg10, "0.0000"), Text(figures.Recall100, "0.0000"), Text(figures.Mrr10, "0.0000"),
                Text(figures.Queries.Count, "0"), Text(indexSeconds, "0.0"), Text(figures.P50.TotalMilliseconds, "0.00"), Text(figures.P95.TotalMilliseconds, "0.00"));
            lines.Add(JsonSerializer.Serialize(new
            {
                collection = collection.Name,
                tier = tierName,
                ndcg10 = Math.Round(figures.Ndcg10, 4),
                recall100 = Math.Round(figures.Recall100, 4),
                mrr10 = Math.Round(figures.Mrr10, 4),
                queries = figures.Queries.Count,
                indexSeconds = Math.Round(indexSeconds, 2),
                queryP50Ms = Math.Round(figures.P50.TotalMilliseconds, 3),
                queryP95Ms = Math.Round(figures.P95.TotalMilliseconds, 3),
            }));
            if (writer is not null)
            {
                await WriteAsync(writer, figures, tierName);
            }
        }

        AnsiConsole.Write(table);
        foreach (string line in lines)
        {
            System.Console.WriteLine(line);
        }

        return 0;
    }

    private static async Task WriteAsync(StreamWriter writer, RetrievalEvaluation figures, string tier)
    {
        foreach (QueryEvaluation query in figures.Queries)
        {
            for (int i = 0; i < Math.Min(100, query.Ranking.Count); i++)
            {
                await writer.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{query.Query.Id} Q0 {query.Ranking[i].Id} {i + 1} {query.Ranking[i].Score:R} coach-{tier}"));
            }
        }
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
