using System.Diagnostics;
using System.Globalization;
using Coach.Postgres;
using Coach.Postgres.Tests;
using Coach.Rag;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Coach.Proofs.Stores;

/// <summary>
/// A replica that makes its index file from a log of documents in PostgreSQL, beside a bare COPY OUT of the same rows and the indexing of
/// the same documents from memory.
/// </summary>
internal static class MaterialiseProof
{
    private static readonly string[] Words =
        [.. "soup cake table river stone bread winter garden letter music train window coffee paper summer harbour".Split(' ')];

    /// <summary>What it took.</summary>
    /// <param name="Cases">Passages.</param>
    /// <param name="Failed">Passages that the index lacks, and questions that it does not answer.</param>
    /// <param name="Rows">Documents of the log.</param>
    /// <param name="Passages">Passages of the index.</param>
    /// <param name="Seconds">From an empty file to the last document.</param>
    /// <param name="CopySeconds">A bare COPY OUT of the same rows.</param>
    /// <param name="IndexSeconds">Indexing the same documents from memory into a file.</param>
    /// <param name="Ratio">(CopySeconds + IndexSeconds) / Seconds.</param>
    /// <param name="ChangeSeconds">From the commit of a document to its answer on a replica that runs.</param>
    public sealed record Result(
        int Cases, int Failed, int Rows, int Passages, double Seconds, double CopySeconds, double IndexSeconds, double Ratio,
        double ChangeSeconds);

    public static async Task<Result> RunAsync(int rows)
    {
        string folder = Directory.CreateTempSubdirectory("coach-materialise-").FullName;
        using var server = new PostgresServer();
        try
        {
            KnowledgeDocument[] documents = [.. Enumerable.Range(0, rows).Select(Document)];
            using (IHost writer = Build(server, null))
            {
                await FillAsync(server, writer.Services.GetRequiredService<PostgresKnowledgeLog>(), documents);
            }

            double copy = await CopyAsync(server);
            double index = await IndexAsync(Path.Combine(folder, "memory.coach"), documents);
            using IHost replica = Build(server, Path.Combine(folder, "replica.coach"));
            long started = Stopwatch.GetTimestamp();
            await replica.StartAsync();
            var knowledge = replica.Services.GetRequiredService<IKnowledgeBase>();
            while (knowledge.DocumentCount < rows && Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(10))
            {
                await Task.Delay(20);
            }

            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            int missing = rows - knowledge.DocumentCount;
            int unanswered = 0;
            for (int i = 0; i < rows; i += Math.Max(1, rows / 50))
            {
                unanswered += await FindsAsync(replica, $"mark{i}") ? 0 : 1;
            }

            double change = await ChangeAsync(replica);
            int passages = knowledge.PassageCount;
            await replica.StopAsync();
            return new Result(
                passages, missing + unanswered + (change > 2 ? 1 : 0), rows, passages, Round(seconds), Round(copy), Round(index),
                Round((copy + index) / seconds), Round(change));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Round(double value) => Math.Round(value, 3);

    private static KnowledgeDocument Document(int number)
    {
        var random = new Random(number);
        string text = string.Join(' ', Enumerable.Range(0, 90).Select(_ => Words[random.Next(Words.Length)]));
        return new KnowledgeDocument(
            string.Create(CultureInfo.InvariantCulture, $"document-{number}"),
            string.Create(CultureInfo.InvariantCulture, $"mark{number} {text}."))
        {
            IsOnePassage = true,
        };
    }

    private static async Task FillAsync(PostgresServer server, PostgresKnowledgeLog log, KnowledgeDocument[] documents)
    {
        await Parallel.ForEachAsync(
            documents, new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (document, token) => await log.PutAsync("default", document, token));
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(server.ConnectionString);
        await using NpgsqlCommand analyze = source.CreateCommand("ANALYZE coach.knowledge_document");
        await analyze.ExecuteNonQueryAsync();
    }

    private static async Task<double> CopyAsync(PostgresServer server)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(server.ConnectionString);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync();
        long started = Stopwatch.GetTimestamp();
        await using NpgsqlRawCopyStream copy = await connection.BeginRawBinaryCopyAsync(
            "COPY (SELECT id, sequence, hash, body FROM coach.knowledge_document ORDER BY sequence) TO STDOUT (FORMAT BINARY)");
        await copy.CopyToAsync(Stream.Null);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<double> IndexAsync(string file, KnowledgeDocument[] documents)
    {
        HostApplicationBuilder builder = new(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddCoachRag(options => options.Learn = false).UseIndexFile(file).WithDocuments(documents);
        using IHost host = builder.Build();
        long started = Stopwatch.GetTimestamp();
        await host.StartAsync();
        while (host.Services.GetRequiredService<IKnowledgeBase>().DocumentCount < documents.Length)
        {
            await Task.Delay(20);
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await host.StopAsync();
        return seconds;
    }

    private static async Task<double> ChangeAsync(IHost replica)
    {
        await replica.Services.GetRequiredService<PostgresKnowledgeLog>()
            .PutAsync("default", new KnowledgeDocument("new", "A pangolin came by."));
        long started = Stopwatch.GetTimestamp();
        while (!await FindsAsync(replica, "pangolin") && Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1))
        {
            await Task.Delay(20);
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<bool> FindsAsync(IHost host, string word) =>
        (await host.Services.GetRequiredService<IRetriever>().RetrieveAsync(word)).Passages
            .Any(passage => passage.Text.Contains(word, StringComparison.Ordinal));

    private static IHost Build(PostgresServer server, string? file)
    {
        HostApplicationBuilder builder = new(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Coach"] = server.ConnectionString,
            ["COACH_DATA_PROTECTION_KEY"] = "0123456789abcdef0123456789abcdef",
            ["Coach:Postgres:TimeLimit"] = "00:00:30",
        });
        builder.Services.AddCoachLlm();
        if (file is not null)
        {
            builder.Services.AddCoachRag(options => options.Learn = false).UseIndexFile(file).UsePostgres();
        }

        builder.Services.AddCoachPostgres();
        return builder.Build();
    }
}
