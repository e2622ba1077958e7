using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Coach.Proofs.Memo;

/// <summary>What was left after the kills.</summary>
/// <param name="Cases">Kills.</param>
/// <param name="Accepted">Jobs that were answered with 202.</param>
/// <param name="Done">Those that are done.</param>
/// <param name="Cancelled">Those that were cancelled.</param>
/// <param name="Repeated">Those that were begun more than once.</param>
/// <param name="Lost">Accepted ones that are not there, or never ended.</param>
/// <param name="Uncharged">Ended ones without exactly one entry in the books.</param>
/// <param name="Backups">Backups that were kept, each read to its end.</param>
/// <param name="Seed">What decided every moment.</param>
/// <param name="Failed">How many promises were broken.</param>
internal sealed record MemoKillsResult(
    int Cases, int Accepted, int Done, int Cancelled, int Repeated, int Lost, int Uncharged, int Backups, int Seed, int Failed);

/// <summary>
/// The host is killed at random moments (while it starts, migrates, makes its first backup, takes, runs and ends jobs)
/// and started again on the same folder, over and over.
/// </summary>
internal static class MemoKillsProof
{
    public static async Task<MemoKillsResult> RunAsync(int kills, int seed)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("memo-kills-");
        try
        {
            Prepare(folder.FullName);
            var random = new Random(seed);
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
            var accepted = new HashSet<string>(StringComparer.Ordinal);
            var cancelled = new HashSet<string>(StringComparer.Ordinal);
            for (int kill = 0; kill < kills; kill++)
            {
                await RoundAsync(folder.FullName, client, random, accepted, cancelled);
            }

            await FinishAsync(folder.FullName, client, accepted);
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
        File.WriteAllText(Path.Combine(config, "llm.yaml"), "performance_optimization: {request_queue_size: 1000}");
        File.WriteAllText(Path.Combine(config, "database.yaml"), "backup: {interval_hours: 1, keep: 3}");
    }

    private static async Task RoundAsync(
        string folder, HttpClient client, Random random, HashSet<string> accepted, HashSet<string> cancelled)
    {
        // Now and then the newest backup is gone, so that the start makes one.
        if (random.Next(10) == 0)
        {
            foreach (string backup in Backups(folder))
            {
                File.Delete(backup);
            }
        }

        using MemoProcess host = MemoProcess.Start(folder);
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
                if (random.Next(5) == 0 && await DeleteAsync(client, host.Address, id))
                {
                    cancelled.Add(id);
                }
            }
        }

        await killed;
    }

    // A job that ended meanwhile is removed by the same call: it is gone, and that is what was asked for.
    private static async Task<bool> DeleteAsync(HttpClient client, Uri address, string id)
    {
        try
        {
            using HttpResponseMessage before = await client.GetAsync(new Uri(address, $"evaluations/{id}"));
            JsonElement job = await before.Content.ReadFromJsonAsync<JsonElement>();
            string status = job.GetProperty("status").GetString()!;
            if (status is not ("queued" or "running"))
            {
                return false;
            }

            using HttpResponseMessage response = await client.DeleteAsync(new Uri(address, $"evaluations/{id}"));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task FinishAsync(string folder, HttpClient client, HashSet<string> accepted)
    {
        using MemoProcess host = MemoProcess.Start(folder);
        if (!await host.IsReadyAsync(client))
        {
            throw new InvalidOperationException("The host did not start after the last kill.");
        }

        foreach (string id in accepted)
        {
            using HttpResponseMessage events = await client.GetAsync(new Uri(host.Address, $"evaluations/{id}/events"));
            await events.Content.ReadAsStringAsync();
        }
    }

    private static MemoKillsResult Count(string folder, int kills, int seed, HashSet<string> accepted)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "memo.db")};Pooling=False");
        connection.Open();
        var rows = new Dictionary<string, (string Status, long Attempts, long Charges)>(StringComparer.Ordinal);
        using (SqliteCommand command = connection.CreateCommand())
        {
            command.CommandText =
                "SELECT id, status, attempts, (SELECT COUNT(*) FROM charges c WHERE c.evaluation_id = e.id) FROM evaluations e";
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                rows[reader.GetString(0)] = (reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3));
            }
        }

        // One that ended between the question and the DELETE was removed: its entry in the books says that it ended.
        long removed = Scalar(connection, "SELECT COUNT(*) FROM charges WHERE evaluation_id NOT IN (SELECT id FROM evaluations)");
        int missing = accepted.Count(id => !rows.ContainsKey(id));
        int open = rows.Values.Count(row => row.Status is not ("done" or "failed" or "cancelled"));
        int lost = open + Math.Max(0, missing - (int)removed);
        int uncharged = rows.Values.Count(row => row.Charges != (row.Status == "cancelled" ? 0 : 1));
        int backups = Backups(folder).Length;
        int failed = rows.Values.Count(row => row.Status == "failed");
        bool isWhole = ScalarText(connection, "PRAGMA integrity_check") == "ok";
        return new MemoKillsResult(
            kills, accepted.Count, rows.Values.Count(row => row.Status == "done"),
            rows.Values.Count(row => row.Status == "cancelled"), rows.Values.Count(row => row.Attempts > 1), lost, uncharged,
            backups, seed, lost + uncharged + failed + (isWhole ? 0 : 1) + Damaged(folder));
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
