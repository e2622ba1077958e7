using System.Diagnostics;
using System.Globalization;
using System.Text;
using Coach.Payments;
using Coach.Postgres.Tests;
using Coach.Redis.Tests;
using Coach.Testing;
using Npgsql;

namespace Coach.Proofs.Stores;

/// <summary>
/// Replicas of samples/Chat over one Redis and one PostgreSQL, with fake providers and a fake Stripe: callers go from
/// replica to replica while replicas are killed, Redis stops and hangs, and PostgreSQL crashes twice.
/// </summary>
internal sealed class ReplicasProof(TimeSpan length, int seed, int replicas, bool hasKills)
{
    public const string Canary = "canary-text-7741";

    private const string KeyCanary = "canary-key-9136";
    private const int CallersOfAReplica = 10;
    private const int Burst = 100;
    private const int PerMinute = 600;
    private const int CallsOfASession = 40;

    private int _kills;

    public async Task<ReplicasResult> RunAsync()
    {
        if (!RedisProcess.IsInstalled || !PostgresServer.IsInstalled)
        {
            throw new InvalidOperationException("Install redis-server and postgresql first (apt-get install redis-server postgresql).");
        }

        string folder = Directory.CreateTempSubdirectory("coach-replicas-").FullName;
        string knowledge = Directory.CreateDirectory(Path.Combine(folder, "knowledge")).FullName;
        await File.WriteAllTextAsync(Path.Combine(knowledge, "menu.md"), "# Menu\n\nThe house soup is pumpkin soup.");
        await using ProviderFake providers = await ProviderFake.StartAsync();
        await using StripeFake stripe = await StripeFake.StartAsync();
        using var records = new PostgresServer();
        using var redis = new RedisProcess(folder);
        Dictionary<string, string> settings = Settings(providers, stripe, records, redis, knowledge);
        ChatReplica[] all = [.. Enumerable.Range(0, replicas).Select(number => new ChatReplica(folder, number, settings))];
        ReplicaCaller[] callers =
        [
            .. Enumerable.Range(0, replicas * CallersOfAReplica).Select(number =>
            {
                string key = string.Create(CultureInfo.InvariantCulture, $"{KeyCanary}-{number}");
                providers.SetKey("gemini", key);
                return new ReplicaCaller(number, seed, all, key);
            }),
        ];
        try
        {
            Array.ForEach(all, replica => replica.Start());
            await Task.WhenAll(all.Select(replica => replica.WaitAsync(TimeSpan.FromMinutes(2))));
            foreach (ReplicaCaller caller in callers)
            {
                await caller.EnterAsync();
            }

            using var limit = new LimitProbe(all, Burst, PerMinute);
            await limit.EnterAsync();
            providers.SetKey("gemini", KeyCanary + "-budget");
            using var budget = new BudgetProbe(all, KeyCanary + "-budget");
            await budget.EnterAsync();
            using var end = new CancellationTokenSource(length);
            Task outages = OutagesAsync(redis, records, limit);
            Task killing = hasKills ? KillAsync(all, end.Token) : Task.CompletedTask;
            await Task.WhenAll(
                [.. callers.Select(caller => caller.RunAsync(end.Token)), limit.RunAsync(end.Token), budget.RunAsync(end.Token), outages, killing]);
            ReplicasResult result = await JudgeAsync(folder, all, callers, stripe, records, limit);
            int past = BudgetProbe.Overshoot(providers, CallsOfASession);

            // A run in which nobody was answered shows nothing.
            int idle = result.Turns == 0 || result.Links == 0 ? 1 : 0;
            if (idle > 0)
            {
                await Console.Error.WriteLineAsync($"Nobody was answered; the last refusal: {callers[0].LastRefusal}");
            }

            return result with
            {
                Failed = result.Failed + past + idle,
                Overshoot = result.Overshoot + past,
                OverBudget = budget.Refused,
                BudgetCalls = BudgetProbe.Calls(providers, KeyCanary + "-budget"),
            };
        }
        finally
        {
            Array.ForEach(all, replica => replica.Dispose());
            Array.ForEach(callers, caller => caller.Dispose());
            redis.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, string> Settings(
        ProviderFake providers, StripeFake stripe, PostgresServer records, RedisProcess redis, string knowledge) => new()
        {
            ["ConnectionStrings__Redis"] = $"127.0.0.1:{redis.Port},connectTimeout=1000",
            ["ConnectionStrings__Coach"] = records.ConnectionString,
            ["COACH_DATA_PROTECTION_KEY"] = "0123456789abcdef0123456789abcdef",
            ["Coach__Rag__Knowledge"] = knowledge,
            ["Coach__Rag__Encoder"] = "none",
            ["Coach__Llm__Gemini__BaseUrl"] = providers.BaseUrl("gemini").ToString(),
            ["Coach__Llm__History__MaxLength"] = "10000000",
            ["Coach__Llm__History__MaxMessages"] = "10000",
            ["Coach__Payments__Stripe__BaseUrl"] = stripe.Url.ToString(),
            ["STRIPE_API_KEY"] = "sk_test_replicas",
            ["Coach__RateLimits__SessionBurst"] = Burst.ToString(CultureInfo.InvariantCulture),
            ["Coach__RateLimits__SessionPerMinute"] = PerMinute.ToString(CultureInfo.InvariantCulture),
            ["Coach__RateLimits__AddressBurst"] = "1000000",
            ["Coach__RateLimits__AddressPerMinute"] = "1000000",
            ["Coach__RateLimits__KeyChecksPerMinute"] = "10000",
            ["Coach__Usage__Limits__0__Name"] = "session",
            ["Coach__Usage__Limits__0__Scope"] = "Session",
            ["Coach__Usage__Limits__0__Period"] = "Total",
            ["Coach__Usage__Limits__0__Unit"] = "Calls",
            ["Coach__Usage__Limits__0__Max"] = CallsOfASession.ToString(CultureInfo.InvariantCulture),
            ["Coach__Session__Share"] = "1",
            ["Coach__Drain"] = "00:00:00",
            ["Logging__LogLevel__Default"] = "Warning",
        };

    private async Task OutagesAsync(RedisProcess redis, PostgresServer records, LimitProbe limit)
    {
        TimeSpan eighth = length / 8;
        TimeSpan outage = length >= TimeSpan.FromSeconds(40) ? TimeSpan.FromSeconds(5) : eighth;
        await Task.Delay(eighth);
        records.Stop();
        records.Start();
        await Task.Delay(eighth);
        limit.RedisGoesAway();
        redis.Stop();
        await Task.Delay(outage);
        redis.Restart();
        await Task.Delay(eighth);
        redis.Signal("STOP");
        await Task.Delay(outage);
        redis.Signal("CONT");
        await Task.Delay(eighth);
        records.Stop();
        records.Start();
    }

    // One of those that answer, while another does: killing one that only starts interrupts nothing, and where none is left
    // nobody sees what it left behind.
    private async Task KillAsync(ChatReplica[] all, CancellationToken end)
    {
        var random = new Random(seed);
        while (!end.IsCancellationRequested)
        {
            bool[] answer = await Task.WhenAll(all.Select(replica => replica.AnswersAsync()));
            ChatReplica[] ready = [.. all.Where((_, number) => answer[number])];
            if (ready.Length > 1)
            {
                ChatReplica replica = ready[random.Next(ready.Length)];
                replica.Kill();
                replica.Start();
                _kills++;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
        }
    }

    private async Task<ReplicasResult> JudgeAsync(
        string folder, ChatReplica[] all, ReplicaCaller[] callers, StripeFake stripe, PostgresServer records, LimitProbe limit)
    {
        await Task.WhenAll(all.Select(replica => replica.WaitAsync(TimeSpan.FromMinutes(2))));
        await Task.Delay(TimeSpan.FromSeconds(3)); // circuits close, clients connect again
        int lostSessions = 0;
        int lostConversations = 0;
        foreach (ReplicaCaller caller in callers)
        {
            foreach (ChatReplica replica in all)
            {
                (bool hasSession, bool hasConversation) = await caller.LookAsync(replica);
                lostSessions += hasSession ? 0 : 1;
                lostConversations += hasConversation ? 0 : 1;
            }
        }

        int duplicates = stripe.Links.GroupBy(link => link.Metadata["coach_operation"]).Count(group => group.Count() > 1);
        int doubleCredits = await DoubleCreditsAsync(records);
        int leaks = Leaks(folder, all, records);
        int http500 = callers.Sum(caller => caller.Http500);
        int failed = duplicates + doubleCredits + lostSessions + lostConversations + http500 + limit.Overshoot + leaks;
        return new ReplicasResult(
            callers.Sum(caller => caller.Cases), failed, seed, _kills, callers.Sum(caller => caller.Operations),
            callers.Sum(caller => caller.Turns), callers.Sum(caller => caller.Unkept), callers.Sum(caller => caller.Refused),
            duplicates, doubleCredits, lostSessions, lostConversations, http500, limit.Overshoot, leaks, OverBudget: 0, BudgetCalls: 0);
    }

    // A payment is a credit when the outbox tells of it: once a payment.
    private static async Task<int> DoubleCreditsAsync(PostgresServer records)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(records.ConnectionString);
        await using NpgsqlCommand command = source.CreateCommand("SELECT body FROM coach.payment_record");
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync();
        int twice = 0;
        while (await rows.ReadAsync())
        {
            PaymentRecord record = PaymentRecordSerializer.Deserialize(rows.GetFieldValue<byte[]>(0));
            twice += record.Facts.Where(fact => fact.Kind == PaymentFactKind.Paid).GroupBy(fact => fact.Subject).Count(group => group.Count() > 1);
        }

        return twice;
    }

    private static int Leaks(string folder, ChatReplica[] all, PostgresServer records)
    {
        var places = new Dictionary<string, string>
        {
            ["dump"] = records.Dump("coach"),
            ["logs"] = string.Concat(all.Select(replica => replica.Log)),
        };
        foreach (string file in Directory.EnumerateFiles(folder, "*.aof", SearchOption.AllDirectories))
        {
            places[file] = Encoding.Latin1.GetString(File.ReadAllBytes(file));
        }

        int leaks = 0;
        foreach ((string place, string text) in places)
        {
            foreach (string secret in (string[])[Canary, KeyCanary])
            {
                string hex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret));
                if (text.Contains(secret, StringComparison.Ordinal) || text.Contains(hex, StringComparison.OrdinalIgnoreCase))
                {
                    Console.WriteLine($"LEAK {secret} in {place}");
                    leaks++;
                }
            }
        }

        return leaks;
    }
}
