using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Coach.Testing;
using Microsoft.Data.Sqlite;

namespace Coach.Proofs.Memo;

/// <summary>What was left after the kills.</summary>
/// <param name="Cases">Kills.</param>
/// <param name="Accepted">Jobs that were answered with 202.</param>
/// <param name="Done">Those that are done.</param>
/// <param name="FailedJobs">Those that failed.</param>
/// <param name="Cancelled">Those that were cancelled.</param>
/// <param name="Repeated">Those that were begun more than once.</param>
/// <param name="Lost">Accepted ones that are not there, or never ended.</param>
/// <param name="Duplicates">Ids that two submissions were given.</param>
/// <param name="DoubleCharged">Ended ones for which the books have more than they cost, or more than one entry.</param>
/// <param name="Uncharged">Ended ones for which the books have less than they cost, or no entry.</param>
/// <param name="Charged">What all of them cost, in micro-units: the sum of the ledger.</param>
/// <param name="Counted">What the budget of the month counts.</param>
/// <param name="Backups">Backups that were kept, each read to its end.</param>
/// <param name="Seed">What decided every moment.</param>
/// <param name="Failed">How many promises were broken.</param>
internal sealed record MemoKillsResult(
    int Cases, int Accepted, int Done, int FailedJobs, int Cancelled, int Repeated, int Lost, int Duplicates,
    int DoubleCharged, int Uncharged, long Charged, long Counted, int Backups, int Seed, int Failed);

/// <summary>
/// The host is killed at random moments (while it starts, migrates, makes its first backup, takes, runs and ends jobs)
/// and started again on the same folder, over and over; every second time with a model that costs money.
/// </summary>
internal static class MemoKillsProof
{
    private const string Key = "sk-ant-memo-kills-0123456789";

    // The host's own side of the books, where what is used comes in.
    private const string Books =
        "SELECT e.reference, e.micros FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account "
        + "WHERE a.name = 'app:usage'";

    private static readonly string Judgement =
        """{"strengths":["Clear ask"],"opportunities":["More sources"],"segments":[],"scores":{"""
        + string.Join(',', new[]
        {
            "structure-and-logic", "arguments-and-evidence", "clarity-style-and-financial-metrics",
            "relevance-and-strategic-alignment", "clear-opportunity-and-ask", "risk-mitigation",
            "feasibility-and-implementation",
        }.Select(id => $$"""
            "{{id}}":{"score":4,"justification":"As the text says."}
            """)) + "}}";

    public static async Task<MemoKillsResult> RunAsync(int kills, int seed)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("memo-kills-");
        try
        {
            Prepare(folder.FullName);
            var random = new Random(seed);
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
            await using ProviderFake provider = await ProviderFake.StartAsync();
            provider.SetKey("anthropic", Key);
            provider.AnswerAlways("anthropic", _ => ScriptedAnswer.Text(Judgement).WithUsage(1_000, 100));
            var real = new Dictionary<string, string>
            {
                ["COACH_MODE"] = "real",
                ["ANTHROPIC_API_KEY"] = Key,
                ["Coach__Llm__Anthropic__BaseUrl"] = provider.BaseUrl("anthropic").ToString(),
            };
            var mock = new Dictionary<string, string>(real) { ["COACH_MODE"] = "mock" };
            var accepted = new List<string>();
            for (int kill = 0; kill < kills; kill++)
            {
                await RoundAsync(folder.FullName, client, random, accepted, random.Next(2) == 0 ? real : mock);
            }

            await FinishAsync(folder.FullName, client, accepted, real);
            return Count(folder.FullName, kills, seed, accepted);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Prepare(string folder)
    {
        string config = Directory.CreateDirectory(Path.Combine(folder, "config")).FullName;
        File.WriteAllText(Path.Combine(config, "auth.yaml"), """
            security_settings:
              rate_limiting: {requests_per_session_per_hour: 10000, requests_per_minute: 100000}
            """);
        File.WriteAllText(Path.Combine(config, "llm.yaml"), """
            performance_optimization: {request_queue_size: 1000}
            cost_management: {cost_limit_per_day: 100000, cost_limit_per_month: 1000000}
            """);
        File.WriteAllText(Path.Combine(config, "database.yaml"), "backup: {interval_hours: 1, keep: 3}");
    }

    private static async Task RoundAsync(
        string folder, HttpClient client, Random random, List<string> accepted, Dictionary<string, string> settings)
    {
        // Now and then the newest backup is gone, so that the start makes one.
        if (random.Next(10) == 0)
        {
            foreach (string backup in Backups(folder))
            {
                File.Delete(backup);
            }
        }

        using MemoProcess host = MemoProcess.Start(folder, settings);
        if (random.Next(6) == 0)
        {
            await Task.Delay(random.Next(50, 1_500)); // while it starts
            return;
        }

        if (!await host.IsReadyAsync(client))
        {
            throw new InvalidOperationException("The host did not start after a kill.");
        }

        string text = Text(random);
        Task<(int Status, string? Id)?>[] submissions =
            [.. Enumerable.Range(0, random.Next(1, 8)).Select(i => MemoProcess.SubmitAsync(client, host.Address, text + i))];
        await Task.Delay(random.Next(0, 400));
        Task killed = random.Next(2) == 0 ? Task.Run(host.Kill) : Task.CompletedTask;
        foreach ((int Status, string? Id)? answer in await Task.WhenAll(submissions))
        {
            if (answer is { Status: 202, Id: { } id })
            {
                accepted.Add(id);
                if (random.Next(5) == 0)
                {
                    await DeleteAsync(client, host.Address, id);
                }
            }
        }

        await killed;
    }

    // A job that ended meanwhile is removed by the same call: it is gone, and that is what was asked for.
    private static async Task DeleteAsync(HttpClient client, Uri address, string id)
    {
        try
        {
            using HttpResponseMessage before = await client.GetAsync(new Uri(address, $"evaluations/{id}"));
            JsonElement job = await before.Content.ReadFromJsonAsync<JsonElement>();
            string status = job.GetProperty("status").GetString()!;
            if (status is not ("queued" or "running"))
            {
                return;
            }

            using HttpResponseMessage response = await client.DeleteAsync(new Uri(address, $"evaluations/{id}"));
        }
        catch (HttpRequestException)
        {
            // It was killed.
        }
    }

    private static async Task FinishAsync(
        string folder, HttpClient client, List<string> accepted, Dictionary<string, string> settings)
    {
        using MemoProcess host = MemoProcess.Start(folder, settings);
        if (!await host.IsReadyAsync(client))
        {
            throw new InvalidOperationException("The host did not start after the last kill.");
        }

        foreach (string id in accepted)
        {
            using HttpResponseMessage events = await client.GetAsync(new Uri(host.Address, $"evaluations/{id}/events"));
            await events.Content.ReadAsStringAsync();
        }

        // What ended last is booked after its last event.
        using SqliteConnection connection = Open(folder);
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (Scalar(connection, "SELECT COUNT(*) FROM settlements") > 0
            && System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60))
        {
            await Task.Delay(50);
        }
    }

    private static MemoKillsResult Count(string folder, int kills, int seed, List<string> accepted)
    {
        using SqliteConnection connection = Open(folder);
        Dictionary<string, Row> rows = Rows(connection);
        string[] ids = [.. accepted.Distinct(StringComparer.Ordinal)];

        // One that ended between the question and the DELETE was removed: the books say that it ended.
        long removed = Scalar(
            connection, $"SELECT COUNT(DISTINCT reference) FROM ({Books}) WHERE reference NOT IN (SELECT id FROM evaluations)");
        int missing = ids.Count(id => !rows.ContainsKey(id));
        Row[] ended = [.. rows.Values.Where(row => row.Status is "done" or "failed" or "cancelled")];
        int lost = rows.Count - ended.Length + Math.Max(0, missing - (int)removed);
        int twice = ended.Count(row => row.Entries > 1 || row.Booked > row.Cost)
            + (int)Scalar(connection, $"SELECT COUNT(*) FROM (SELECT 1 FROM ({Books}) GROUP BY reference HAVING COUNT(*) > 1)");
        int uncharged = ended.Count(row => row.Booked < row.Cost || (row.Status == "done" && row.IsMock && row.Entries == 0));
        long charged = Scalar(connection, $"SELECT COALESCE(SUM(micros), 0) FROM ({Books})");
        long counted = Scalar(
            connection, "SELECT COALESCE(SUM(settled), 0) FROM budget_counters WHERE name LIKE 'month|%'");
        int broken = lost + (accepted.Count - ids.Length) + twice + uncharged + Damaged(folder)
            + (charged == counted ? 0 : 1) + (ScalarText(connection, "PRAGMA integrity_check") == "ok" ? 0 : 1);
        return new MemoKillsResult(
            kills, ids.Length, Number("done"), Number("failed"), Number("cancelled"),
            rows.Values.Count(row => row.Attempts > 1), lost, accepted.Count - ids.Length, twice, uncharged, charged,
            counted, Backups(folder).Length, seed, broken);

        int Number(string status) => rows.Values.Count(row => row.Status == status);
    }

    private static Dictionary<string, Row> Rows(SqliteConnection connection)
    {
        var rows = new Dictionary<string, Row>(StringComparer.Ordinal);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText =
            "SELECT e.id, e.status, e.attempts, e.is_mock, e.cost_micro, COUNT(b.micros), COALESCE(SUM(b.micros), 0) "
            + $"FROM evaluations e LEFT JOIN ({Books}) b ON b.reference = e.id GROUP BY e.id";
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            rows[reader.GetString(0)] = new Row(
                reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3) == 1, reader.GetInt64(4), reader.GetInt64(5),
                reader.GetInt64(6));
        }

        return rows;
    }

    private static SqliteConnection Open(string folder)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "memo.db")};Pooling=False");
        connection.Open();
        return connection;
    }

    private static string[] Backups(string folder)
    {
        string backups = Path.Combine(folder, "backups");
        return Directory.Exists(backups) ? Directory.GetFiles(backups, "memo-*.db.gz") : [];
    }

    private static int Damaged(string folder) => Backups(folder).Count(path =>
    {
        using FileStream file = File.OpenRead(path);
        using var gzip = new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionMode.Decompress);
        using var copy = new MemoryStream();
        gzip.CopyTo(copy);
        return !copy.ToArray().AsSpan().StartsWith("SQLite format 3\0"u8);
    });

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static string? ScalarText(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }

    private sealed record Row(string Status, long Attempts, bool IsMock, long Cost, long Entries, long Booked);

    private static string Text(Random random)
    {
        string[] sentences =
        [
            "We ask the board for a decision. ", "The pilot saved 20% of the cost. ", "Maybe demand falls. ",
            "The risk is small, and we mitigate it. ", "The team starts in March.\n\n",
        ];
        var text = new StringBuilder();
        int length = random.Next(100, 9_000);
        while (text.Length < length)
        {
            text.Append(sentences[random.Next(sentences.Length)]);
        }

        return text.ToString(0, length) + length.ToString(CultureInfo.InvariantCulture);
    }
}
